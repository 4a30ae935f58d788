package evaluation

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
)

// BenchmarkEvaluateChild evaluates random children on images of three sizes, two at
// a time on one thread each: extraction, folding and the making of the session
// included. An iteration is one child; -test.v prints its architecture.
func BenchmarkEvaluateChild(b *testing.B) {
	for _, c := range []struct{ side, images int }{{32, 2000}, {96, 1000}, {224, 249}} {
		for _, bn := range []string{Running, Recalibrated} {
			b.Run(fmt.Sprintf("%dpx/%s", c.side, bn), func(b *testing.B) {
				e := evaluator(b, 1)
				e.Images = noiseOf(b, c.side, c.images, 1)
				if bn == Recalibrated {
					e.Calibration = noiseOf(b, c.side, DefaultBNImages, 2)
				}
				var err error
				if e.Space, err = model.NewSpace(model.MobileNASNet, c.side); err != nil {
					b.Fatal(err)
				}
				b.ResetTimer()
				err = inOrder(b.Context(), new(job.Job), b.N, 2, func(ctx context.Context, i int) (Score, error) {
					return e.Child(ctx, RandomPath(e.Space, 1, i), 0, c.images)
				}, func(i int, _ Score) error {
					if testing.Verbose() {
						b.Log(e.Space.Architecture(RandomPath(e.Space, 1, i)))
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(c.images*b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// BenchmarkManyChildren evaluates children on few images, so that there are many
// sessions, and reports how much memory the process has at the end and how much
// that is more than after the first hundred: run it with -benchtime 600x.
func BenchmarkManyChildren(b *testing.B) {
	e := evaluator(b, 100)
	var early atomic.Int64
	err := inOrder(b.Context(), new(job.Job), b.N, 2, func(ctx context.Context, i int) (Score, error) {
		if i == 100 {
			early.Store(residentMB(b))
		}
		return e.Child(ctx, RandomPath(e.Space, 1, i), 0, 100)
	}, func(int, Score) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(residentMB(b)), "MB")
	if b.N > 100 {
		b.ReportMetric(float64(residentMB(b)-early.Load()), "MB-more")
	}
}

// residentMB is the memory of the process in megabytes; 0 where it is not known.
func residentMB(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize()) >> 20
}
