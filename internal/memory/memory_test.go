package memory

import (
	"errors"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"
)

func TestCheck(t *testing.T) {
	defer func(f func() float64) { Total = f }(Total)
	Total = func() float64 { return 2e9 }
	if err := Check("a batch", 2e9); err != nil {
		t.Error(err)
	}
	err := Check("a batch of 4096 images", 3.25e12)
	if want := "not enough memory: a batch of 4096 images takes at least 3.25 TB: there are 2 GB"; !errors.Is(err, ErrTooMuch) || err.Error() != want {
		t.Errorf("%v: expected %s", err, want)
	}
	for bytes, want := range map[float64]string{12: "12 bytes", 1500: "1.5 kB", 4096e6: "4.1 GB", 1e15: "1e+03 TB"} {
		if have := Size(bytes); have != want {
			t.Errorf("%g: %s, expected %s", bytes, have, want)
		}
	}
}

// What the system says is no more than the machine has, and not nothing.
func TestSystemMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only known on Linux")
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	kB, err := strconv.ParseFloat(string(regexp.MustCompile(`MemTotal: +(\d+) kB`).FindSubmatch(text)[1]), 64)
	if have := systemMemory(); err != nil || have <= 1<<26 || have > kB*1024 {
		t.Errorf("%g bytes of %g, %v", have, kB*1024, err)
	}
}
