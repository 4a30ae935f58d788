package training

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// killedFolder is set for a process that trains in that folder and is killed.
const killedFolder = "BINAS_TEST_KILLED_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(killedFolder); folder != "" {
		slow := &linear{before: func(int) error { time.Sleep(2 * time.Millisecond); return nil }}
		_, err := fakeTrain(context.Background(), folder, fakeSettings(), slow, func(o *Options) { o.CheckpointEvery = time.Nanosecond })
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKilledProcesses kills a process that trains again and again, wherever it is:
// in a step, in a checkpoint, between the two. Each has a little longer than the
// one before, for machines on which starting takes long.
func TestKilledProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	whole, killed := t.TempDir(), t.TempDir()
	if _, err := fakeTrain(context.Background(), whole, fakeSettings(), &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	kills := 0
	for {
		cmd := exec.Command(self)
		cmd.Env, cmd.Stderr = append(os.Environ(), killedFolder+"="+killed), os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(20+rng.IntN(80)+kills)*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if cmd.ProcessState.Exited() {
			t.Fatalf("the process failed: %v", err)
		}
		if kills++; kills > 1000 {
			t.Fatal("no end after 1000 kills")
		}
	}
	t.Logf("killed %d times", kills)
	sameRun(t, "killed", whole, killed)
}
