package safefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain is the other process of TestALockEndsWithItsProcess where it is told
// what to lock.
func TestMain(m *testing.M) {
	file := os.Getenv("SAFEFILE_TEST_LOCK")
	if file == "" {
		os.Exit(m.Run())
	}
	if _, err := Lock(file); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin) // until it is killed
}

func TestALockIsHeldOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run", "lock")
	for range 2 {
		release, err := Lock(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Lock(file); !errors.Is(err, ErrLocked) {
			t.Errorf("locked twice: %v", err)
		}
		release()
	}
}

func TestALockEndsWithItsProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "SAFEFILE_TEST_LOCK="+file)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other process: %q, %v", line, err)
	}
	if _, err := Lock(file); !errors.Is(err, ErrLocked) {
		t.Errorf("locked by two processes: %v", err)
	}
	other.Process.Kill()
	other.Wait()
	release, err := Lock(file)
	if err != nil {
		t.Fatalf("after kill -9 of the other process: %v", err)
	}
	release()
}
