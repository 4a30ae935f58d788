package onnx

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

// slowNetwork is a network that runs for a good part of a second.
func slowNetwork(t *testing.T) *Session {
	t.Helper()
	arch, err := model.ParseArchitecture(readGolden(t).Networks[0].Arch)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Network(arch, goldenWeights, NetworkOptions{Batch: 64})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(g.Marshal(), SessionOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestRunIsCancelledAndRunsAgain(t *testing.T) {
	requireLibrary(t)
	s := slowNetwork(t)
	start, used := time.Now(), timetest.Processor()
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	wait := min(whole, timetest.Processor()-used) / 10
	ended, end := context.WithCancel(context.Background())
	end()
	timetest.Within(t, whole*2/3, func(asked func()) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		time.AfterFunc(wait, func() { asked(); cancel() })
		if err := s.Run(ctx); ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled run: %v", err)
		}
	})
	if err := s.Run(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("run with an ended context: %v", err)
	}
	again, cancelAgain := context.WithCancel(context.Background())
	defer cancelAgain()
	if err := s.Run(again); err != nil {
		t.Errorf("run after a cancelled one: %v", err)
	}
}

func smallSession(t *testing.T) *Session {
	t.Helper()
	g := NewGraph("test")
	x := g.Input("x", Batch, 4)
	g.Output(g.Node("y", "Add", []string{x, g.Const("c", []float32{1, 2, 3, 4}, 4)}), Batch, 4)
	s, err := NewSession(g.Marshal(), SessionOptions{NoArena: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestOneSessionServesSeveralGoroutines(t *testing.T) {
	requireLibrary(t)
	t.Run("where they are", func(t *testing.T) { serveSeveral(t, smallSession(t)) })
	t.Run("on a thread, as on a card", func(t *testing.T) {
		s := smallSession(t)
		s.thread = newThread()
		serveSeveral(t, s)
	})
}

func serveSeveral(t *testing.T, s *Session) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	for n := 1; n <= 4; n++ {
		wg.Go(func() {
			x, err := NewTensor(nil, n, 4)
			if err != nil {
				t.Error(err)
				return
			}
			defer x.Close()
			y, err := NewTensor(nil, n, 4)
			if err != nil {
				t.Error(err)
				return
			}
			defer y.Close()
			for i := range 50 {
				for j := range x.Data {
					x.Data[j] = float32(100*n + i)
				}
				if err := s.RunTensors(ctx, []*Tensor{x}, []*Tensor{y}); err != nil {
					t.Error(err)
				}
				for j, v := range y.Data {
					if want := float32(100*n + i + j%4 + 1); v != want {
						t.Errorf("value %d is %v: expected %v", j, v, want)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestClosedSession(t *testing.T) {
	requireLibrary(t)
	s := smallSession(t)
	if _, err := s.Input(0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := s.Run(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("run of a closed session: %v", err)
	}
}

func TestSessionErrors(t *testing.T) {
	requireLibrary(t)
	if _, err := NewSession([]byte("PK\x03\x04 not a model"), SessionOptions{}); !errors.Is(err, ErrNotModel) {
		t.Errorf("bytes that are no model: %v", err)
	}
	g := NewGraph("test")
	g.Output(g.Node("y", "NoSuchOperator", []string{g.Input("x", 1)}), 1)
	if _, err := NewSession(g.Marshal(), SessionOptions{}); err == nil {
		t.Error("an unknown operator is accepted")
	}
	if _, err := NewTensor(make([]float32, 3), 2, 2); err == nil {
		t.Error("a tensor of 3 values and shape 2x2 is accepted")
	}
	s := smallSession(t)
	wrong, err := NewTensor(nil, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if err := s.RunTensors(context.Background(), []*Tensor{wrong}, []*Tensor{wrong}); err == nil {
		t.Error("a tensor of another shape is accepted")
	}
}

// A target is either usable or refused with the sentinel.
func TestTargets(t *testing.T) {
	requireLibrary(t)
	if err := CPU.Check(); err != nil {
		t.Error(err)
	}
	for _, target := range append(Targets(), "abacus") {
		err := target.Check()
		if err != nil && !errors.Is(err, ErrTargetUnavailable) {
			t.Errorf("%s: %v", target, err)
		}
		if err == nil && target == "abacus" {
			t.Error("a made-up target is available")
		}
	}
	if target, err := ParseTarget(""); target != CPU || err != nil {
		t.Errorf("no target is %s, %v", target, err)
	}
	if _, err := ParseTarget("tpu"); err == nil {
		t.Error("tpu is accepted")
	}
}

func BenchmarkNetworkA(b *testing.B) {
	requireLibrary(b)
	arch, err := model.ParseArchitecture(
		"[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k5_s2_e3_c24_nre', 'ir_r1_k3_s1_e3_c24_nre_se0.25'], ['ir_r1_k5_s2_e3_c40_nre_se0.25', 'ir_r1_k5_s1_e4_c40_nre_se0.25'], " +
			"['ir_r1_k5_s2_e3_c80', 'ir_r1_k5_s1_e3_c80_se0.25', 'ir_r1_k5_s1_e4_c80_se0.25'], ['ir_r1_k5_s1_e4_c112_se0.25', 'ir_r1_k5_s1_e4_c112_se0.25'], " +
			"['ir_r1_k5_s2_e4_c192_se0.25', 'ir_r1_k5_s1_e4_c192_se0.25', 'ir_r1_k3_s1_e4_c192_se0.25', 'ir_r1_k5_s1_e3_c192_se0.25'], ['cn_r1_k1_s1_c960']]")
	if err != nil {
		b.Fatal(err)
	}
	g, err := Network(arch, RandomWeights{1}, NetworkOptions{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewSession(g.Marshal(), SessionOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if err := s.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
