package phrase

import (
	"os/exec"
	"testing"
	"time"
)

func TestMS(t *testing.T) {
	for _, c := range []struct {
		ms     float64
		digits int
		want   string
	}{{45, 4, "45.00"}, {14.361019135, 4, "14.36"}, {9.8, 3, "9.80"}, {0.012345, 4, "0.012"}, {12345.6, 4, "12346"}, {0, 3, "0.00"}} {
		if got := MS(c.ms, c.digits); got != c.want {
			t.Errorf("MS(%v, %d) = %q, want %q", c.ms, c.digits, got, c.want)
		}
	}
}

func TestPlusMinus(t *testing.T) {
	for _, c := range []struct {
		ms, deviation float64
		want          string
	}{{14.361, 0.123, "14.36 ± 0.1"}, {0.498, 0.0123, "0.498 ± 0.01"}, {0.498, 0.0007, "0.498 ± 0.001"}, {5, 0, "5.000 ± 0.0"}, {120, 14, "120.0 ± 14"}} {
		if got := PlusMinus(c.ms, c.deviation, 4); got != c.want {
			t.Errorf("%v ± %v is %q, want %q", c.ms, c.deviation, got, c.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 99 * time.Second: "99 s", 3*time.Minute + 20*time.Second: "3m", 2 * time.Hour: "2h0m"} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 networks", 1: "1 network", 2: "2 networks"} {
		if got := Count(n, "network"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A shell reads back what was quoted.
func TestShellWord(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	for _, word := range []string{"", "plain", "runs/a b", "it's", `"$HOME"`, "it's $HOME", "a`b", "[['ds_r1'], ['ir']]", "tilde~", "a\nb", "\\", "ä"} {
		out, err := exec.Command(sh, "-c", "printf %s "+ShellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q: %s is %q to the shell, %v", word, ShellWord(word), out, err)
		}
	}
	if got := ShellWord("a/b-c.pkl"); got != "a/b-c.pkl" {
		t.Errorf("%s needs no quotes", got)
	}
}
