package ssh

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Hosts without wildcards are listed, those of included files too; a file that
// includes itself ends, and names that could not be given to ssh are left out.
func TestHosts(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	if hosts := Hosts(); len(hosts) > 0 {
		t.Errorf("without a configuration: %q", hosts)
	}
	for name, text := range map[string]string{
		"config": "# Host commented\nHost pi jetson *.lan !rack ?x # old names\n  HostName 10.0.0.1\nhost=\"quoted\"\r\n\tHost\tpi tabbed\nHost -oProxyCommand=x $(reboot) a\x1b[2J\n" +
			"Include more/*.conf ~/elsewhere missing [\nMatch host other\nInclude config\n",
		"more/1.conf":  "Host included\nInclude ../config\n",
		"../elsewhere": "HOST upper\n",
	} {
		file := filepath.Join(home, ".ssh", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if hosts, want := Hosts(), []string{"pi", "jetson", "quoted", "tabbed", "included", "upper"}; !slices.Equal(hosts, want) {
		t.Errorf("%q, want %q", hosts, want)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh/config"), []byte(strings.Repeat("Host a\n", maxConfigBytes)), 0o644); err != nil {
		t.Fatal(err)
	}
	if hosts := Hosts(); len(hosts) > 0 {
		t.Errorf("of a file that is too large: %q", hosts)
	}
}

func TestCheckHost(t *testing.T) {
	for _, name := range []string{"pi", "me@pi.local", "10.0.0.1", "fe80::1%eth0", "a_b-c", strings.Repeat("a", 255)} {
		if err := CheckHost(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-v", "a@-v", "-a@b", "a b", "a;b", "a'b", "$(x)", "a@b@c", "@a", "a@", "ü", "a\nb", strings.Repeat("a", 256)} {
		if CheckHost(name) == nil {
			t.Errorf("%q is taken for a host", name)
		}
	}
}

// FuzzConfig reads any configuration.
func FuzzConfig(f *testing.F) {
	f.Add("Host pi *.lan\nInclude ~/x /dev/zero\n")
	f.Fuzz(func(t *testing.T, text string) {
		folder := t.TempDir()
		file := filepath.Join(folder, "config")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c := config{folder: folder}
		c.read(file, 0)
		for _, h := range c.hosts {
			if err := CheckHost(h); err != nil {
				t.Error(err)
			}
		}
	})
}
