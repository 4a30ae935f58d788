package timetest

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"
)

// quiet is the share of one processor that all other programs together may have
// on a machine that can be measured on.
const quiet = 0.2

// Measured calls try until it returns true, a few times; try returns false where
// a measurement says that something else had the device. That is believed only
// where other programs, or other machines on the same hardware, had a processor for
// a fifth of the time in every try: the test is skipped then. On a quiet machine
// it fails, and so it does where the system does not say who had the processors.
func Measured(t testing.TB, try func() bool) {
	t.Helper()
	least := 1e9
	for range tries {
		start, before, own := time.Now(), busy(), family()
		if try() {
			return
		}
		least = min(least, (busy()-before-(family()-own)).Seconds()/time.Since(start).Seconds())
	}
	if least < quiet {
		t.Fatalf("%d measurements found the device in use, while other programs had %.0f%% of a processor", tries, 100*least)
	}
	t.Skipf("the machine is too busy to measure on: other programs had %.0f%% of a processor or more", 100*least)
}

// busy is the time that all programs, and other machines, have had of the
// processors; 0 where the system does not say.
func busy() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	if _, err := fmt.Sscanf(string(line), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
		return 0
	}
	const tick = 10 * time.Millisecond // as everywhere on Linux
	return time.Duration(user+nice+system+irq+softirq+steal) * tick
}
