package ssh

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

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

// file is one to be sent, with the folder that it is kept in below that of all.
type file struct {
	File
	folder string
}

// place is where the file is kept below the folder of all.
func (f file) place() string { return f.folder + "/" + f.Name }

// placed are files of one folder, which is named by what is in them.
func placed(platform string, files []File) (out []file, err error) {
	hash, folder := sha256.New(), ""
	for _, f := range files {
		if f.SHA256 == "" {
			if err := CheckMachine(f.Path, platform); err != nil {
				return nil, err
			}
			if f.SHA256, err = sum(f.Path); err != nil {
				return nil, err
			}
		}
		folder = f.SHA256
		io.WriteString(hash, folder)
		out = append(out, file{File: f})
	}
	if len(out) > 1 {
		folder = hex.EncodeToString(hash.Sum(nil))
	}
	for i := range out {
		out[i].folder = folder[:24]
	}
	return out, nil
}

// sum is the SHA-256 of a file.
func sum(path string) (string, error) {
	r, err := safefile.Open(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	hash := sha256.New()
	if _, err = io.Copy(hash, r); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
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
	var files []file // once the host has said what it is; the program first
	library := "none"
	for pushed := false; ; pushed = true {
		s, err := start(ctx, o.Host, o.script())
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
			var p Payload
			var more []file
			if p, err = o.Payload(ctx, platform); err == nil {
				files, err = placed(platform, []File{p.Program})
			}
			if err == nil {
				more, err = placed(platform, p.Library)
			}
			if len(more) > 0 {
				library = more[0].place()
			}
			if slices.Reverse(more); !o.LibraryLater { // where the library is, what is beside it is
				files = append(files, more...)
			}
		}
		if err != nil {
			s.Close()
			return nil, err
		}
		fmt.Fprintln(s, files[0].place(), library) // where that fails, so does what follows
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
// the program if what it needs is there.
func (o Options) script() string {
	there := `test -x "$b"`
	if !o.LibraryLater {
		there += ` && test -r "$l"`
	}
	return folder + `p=$(uname -s)/$(uname -m); test "$(getconf LONG_BIT 2>/dev/null)" = 32 && p=$p,32-bit; ` +
		`echo; echo "` + mark + ` $p $d"; read -r b l || exit 1; b=$d/$b; l=$d/$l; ` +
		`if ` + there + `; then echo; echo "` + mark + ` ready"; ` +
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

// push sends a file, unless it is there: through a name of its own, which is kept
// where the connection ends, so that the next push sends the rest. The whole has its
// SHA-256 checked before it is renamed.
func (o Options) push(ctx context.Context, f file) error {
	r, err := safefile.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s (%.0f MB)", f.Name, float64(info.Size())/1e6)
	failed := func(err error) error {
		if ctx.Err() != nil {
			return err
		}
		return hostError{strings.Replace(err.Error(), o.Host+": ", o.Host+": pushing "+what+": ", 1)}
	}
	s, err := start(ctx, o.Host, f.script(info.Size()))
	if err != nil {
		return err
	}
	answer, err := s.marked(ctx)
	if err != nil {
		return failed(err)
	}
	there, err := strconv.ParseInt(answer, 10, 64)
	if err != nil { // the file is there
		return s.Close()
	}
	sending := fmt.Sprintf("%s: pushing %s", o.Host, what)
	if there > 0 {
		sending += fmt.Sprintf(", of which %.0f MB are there", float64(there)/1e6)
	}
	o.Log(sending)
	last := time.Now()
	_, err = io.Copy(s, io.TeeReader(io.NewSectionReader(r, there, info.Size()-there), writer(func(p []byte) {
		if there += int64(len(p)); time.Since(last) > pushEvery {
			last = time.Now()
			o.Log(fmt.Sprintf("%s: %d %% of %s", o.Host, 100*there/info.Size(), what))
		}
	})))
	s.in.Close()
	if _, said := s.marked(ctx); said != nil { // which says more than that nobody reads
		return failed(said)
	}
	if err != nil {
		s.Close()
		return failed(err)
	}
	return s.wait()
}

// pushEvery is how often it is said how far a push is.
const pushEvery = 5 * time.Second

// writer is called with what is written.
type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// script takes a file of a size, after it has said how much of it is there: in what
// an earlier one, whose process is gone, has left.
func (f file) script(size int64) string {
	return folder + fmt.Sprintf(`set -e; d=$d/%[1]s; t=$d/%[2]s; if test -r "$t"; then echo; echo "%[3]s there"; exit; fi; `+
		`sha256sum < /dev/null > /dev/null; umask 077; mkdir -p "$d"; f=$d/.new.%[2]s.$$; `+
		`for o in "$d/.new.%[2]s."*; do test -f "$o" && ! kill -0 "${o##*.}" 2>/dev/null && mv -f "$o" "$f" && break; done; `+
		`: >> "$f"; n=$(($(wc -c < "$f"))); test $n -le %[4]d || { : > "$f"; n=0; }; `+
		`trap "exit 1" HUP INT TERM; echo; echo "%[3]s $n"; cat >> "$f" || { rm -f "$f"; exit 1; }; `+
		`n=$(($(wc -c < "$f"))); test $n -eq %[4]d || { echo "$n of %[4]d bytes arrived: the same command sends the rest" >&2; exit 1; }; `+
		`s=$(sha256sum < "$f"); case $s in %[5]s*) ;; *) rm -f "$f"; echo "what arrived has another SHA-256" >&2; exit 1;; esac; `+
		`chmod 700 "$f"; mv -f "$f" "$t"; echo; echo "%[3]s pushed"`,
		f.folder, f.Name, mark, size, f.SHA256)
}

// Remove removes all that was ever pushed to a host and says what it was: where,
// and how much.
func Remove(ctx context.Context, host string) (string, error) {
	s, err := start(ctx, host, folder+`n=0; test -d "$d" && n=$(du -sk "$d" | cut -f1); rm -rf "$d" && echo && echo "`+mark+` $n $d"`)
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
