package ssh

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Platforms are those that can be measured, with what uname calls them and files
// are marked with.
var Platforms = []struct {
	Name    string
	names   string // of uname, as a pattern of a shell
	machine elf.Machine
}{
	{"linux/amd64", "Linux/x86_64", elf.EM_X86_64},
	{"linux/arm64", "Linux/aarch64|Linux/arm64", elf.EM_AARCH64},
}

// folder is where files are kept: in the cache folder of the user there.
const folder = "d=${XDG_CACHE_HOME:-$HOME/.cache}/binas-tui/remote; "

// file is one to be sent.
type file struct {
	path, name string
	bytes      int64
	sum        string // SHA-256
}

// place is where the file is kept below the folder.
func (f file) place() string { return f.sum[:24] + "/" + f.name }

// files are those of a payload, program first.
func (o Options) files(platform string, p Payload) ([]file, error) {
	var out []file
	for _, f := range []file{{path: p.Program, name: o.Name}, {path: p.Library, name: "libonnxruntime.so.1"}} {
		if err := CheckMachine(f.path, platform); err != nil {
			return nil, err
		}
		r, err := safefile.Open(f.path)
		if err != nil {
			return nil, err
		}
		hash := sha256.New()
		f.bytes, err = io.Copy(hash, r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		f.sum = hex.EncodeToString(hash.Sum(nil))
		out = append(out, f)
	}
	return out, nil
}

// CheckMachine refuses a file of another platform.
func CheckMachine(path, platform string) error {
	f, err := elf.Open(path)
	if err != nil {
		return hostError{fmt.Sprintf("%s: it is no program or library of %s: %v", path, platform, err)}
	}
	defer f.Close()
	for _, p := range Platforms {
		if p.Name == platform && f.Machine != p.machine {
			return hostError{fmt.Sprintf("%s is of another architecture, %v: expected one of %s", path, f.Machine, platform)}
		}
	}
	return nil
}

// Run runs the program on the host, after it has pushed what is missing there.
// Errors wrap [ErrHost] where the host is at fault.
func Run(ctx context.Context, o Options) (*Session, error) {
	var files []file // once the host has said what it is
	for pushed := false; ; pushed = true {
		s, err := start(ctx, o.Host, o.script(), nil)
		if err != nil {
			return nil, err
		}
		host, err := s.marked(ctx)
		if err != nil {
			return nil, err
		}
		found, where, _ := strings.Cut(host, " ")
		platform := platformOf(found)
		switch {
		case platform == "":
			err = hostErrorf(o.Host, "it runs %s: expected 64-bit Linux on x86_64 or aarch64", sanitize.Line(found))
		case files == nil:
			var payload Payload
			if payload, err = o.Payload(ctx, platform); err == nil {
				files, err = o.files(platform, payload)
			}
		}
		if err != nil {
			s.Close()
			return nil, err
		}
		fmt.Fprintln(s, files[0].place(), files[1].place()) // where that fails, so does what follows
		answer, err := s.marked(ctx)
		if err != nil {
			return nil, err
		}
		if answer == "ready" {
			return s, nil
		}
		s.Close()
		if pushed {
			return nil, hostErrorf(o.Host, "what was pushed to %s cannot be run there: is that file system mounted noexec?", sanitize.Line(where))
		}
		for _, f := range files {
			if err := o.push(ctx, f); err != nil {
				return nil, err
			}
		}
	}
}

// script says what the host is, reads where program and library are kept, and runs
// the program if both are there.
func (o Options) script() string {
	return folder + `p=$(uname -s)/$(uname -m); test "$(getconf LONG_BIT 2>/dev/null)" = 32 && p=$p,32-bit; ` +
		`echo; echo "` + mark + ` $p $d"; read -r b l || exit 1; b=$d/$b; l=$d/$l; ` +
		`if test -x "$b" && test -r "$l"; then echo; echo "` + mark + ` ready"; ` +
		o.Variable + `=$l; export ` + o.Variable + `; exec "$b" ` + strings.Join(o.Args, " ") + `; fi; ` +
		`echo; echo "` + mark + ` missing"`
}

// platformOf is the platform that uname names; "" where it cannot be measured.
func platformOf(uname string) string {
	for _, p := range Platforms {
		if slices.Contains(strings.Split(p.names, "|"), uname) {
			return p.Name
		}
	}
	return ""
}

// push sends a file, unless it is there: through a name of its own, whose SHA-256
// is checked before it is renamed.
func (o Options) push(ctx context.Context, f file) error {
	r, err := safefile.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	dir := filepath.Dir(f.place())
	script := folder + fmt.Sprintf(`set -e; f=$d/%[1]s/.new.$$; if test -r "$d/%[2]s"; then echo; echo "%[3]s there"; exit; fi; umask 077; mkdir -p "$d/%[1]s"; `+
		`gone() { rm -f "$f"; }; trap gone EXIT; trap "exit 1" HUP INT TERM; cat > "$f"; s=$(sha256sum < "$f"); `+
		`case $s in %[4]s*) ;; *) echo "what arrived has another SHA-256" >&2; exit 1;; esac; chmod 700 "$f"; mv -f "$f" "$d/%[2]s"; echo; echo "%[3]s pushed"`,
		dir, f.place(), mark, f.sum)
	what := fmt.Sprintf("%s (%.0f MB)", f.name, float64(f.bytes)/1e6)
	o.Log(o.Host + ": pushing " + what)
	s, err := start(ctx, o.Host, script, r)
	if err != nil {
		return err
	}
	if _, err := s.marked(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return hostError{strings.Replace(err.Error(), o.Host+": ", o.Host+": pushing "+what+": ", 1)}
	}
	return s.wait()
}

// Remove removes all that was ever pushed to a host and says what it was: where,
// and how much.
func Remove(ctx context.Context, host string) (string, error) {
	s, err := start(ctx, host, folder+`n=0; test -d "$d" && n=$(du -sk "$d" | cut -f1); rm -rf "$d" && echo && echo "`+mark+` $n $d"`, nil)
	if err != nil {
		return "", err
	}
	answer, err := s.marked(ctx)
	if err != nil {
		return "", err
	}
	s.Close()
	var kB int64
	size, where, _ := strings.Cut(answer, " ")
	fmt.Sscan(size, &kB)
	return fmt.Sprintf("%.0f MB in %s", float64(kB)/1e3, sanitize.Line(where)), nil
}
