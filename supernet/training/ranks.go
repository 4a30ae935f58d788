package training

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Errors of trainings over several ranks.
var (
	// ErrStalled says that a rank did not answer in time.
	ErrStalled = errors.New("no answer from another rank")
	// ErrRanks says that the ranks cannot train together.
	ErrRanks = errors.New("ranks")
)

func init() { mpi.Register(backprop.ErrDiverged, dataset.ErrUnreadable) }

// stallAfter is the default of [Options.StallAfter].
const stallAfter = 10 * time.Minute

// ranks are those of a training. Rank 0 leads: it has the run folder, and tells the
// others what comes next; in a step all do alike.
type ranks struct {
	mpi.Comm
	stallAfter time.Duration
	spent      time.Duration // in communication, waiting included
	over       bool          // a step has failed: the others await no order
}

func newRanks(o Options) *ranks {
	r := &ranks{Comm: o.Ranks, stallAfter: o.StallAfter}
	if r.Comm == nil {
		r.Comm = mpi.Alone()
	}
	if r.stallAfter <= 0 {
		r.stallAfter = stallAfter
	}
	return r
}

// timed communicates, with an end where another rank does not answer. What ends the
// context of another rank than 0 does not end that: rank 0, which saves, has the time
// that it takes.
func (r *ranks) timed(ctx context.Context, communicate func(context.Context) error) error {
	if r.Size() == 1 {
		return communicate(ctx)
	}
	if r.Rank() > 0 {
		ctx = context.WithoutCancel(ctx)
	}
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, r.stallAfter, fmt.Errorf("%w for %s", ErrStalled, r.stallAfter))
	defer cancel()
	err := communicate(ctx)
	r.spent += time.Since(start)
	return err
}

// agree is [mpi.Agree].
func (r *ranks) agree(ctx context.Context, data []byte, own error) (all [][]byte, err error) {
	err = r.timed(ctx, func(ctx context.Context) error {
		all, err = mpi.Agree(ctx, r, data, own)
		return err
	})
	return all, err
}

func (r *ranks) sum(ctx context.Context, values []float32) error {
	return r.timed(ctx, func(ctx context.Context) error { return r.Sum(ctx, values) })
}

// What rank 0 tells the others, as the first byte of a broadcast.
const (
	orderBeat  = 'b' // it is at work: wait on
	orderState = 's' // the state to begin with follows
	orderStep  = 'g' // do a step
	orderEnd   = 'e' // the training is over; why follows, nothing where it is done
)

// order tells the others.
func (r *ranks) order(ctx context.Context, kind byte, more []byte) error {
	if r.Size() == 1 {
		return ctx.Err()
	}
	return r.timed(ctx, func(ctx context.Context) error {
		_, err := r.Broadcast(ctx, append([]byte{kind}, more...))
		return err
	})
}

// await waits for what rank 0 tells.
func (r *ranks) await(ctx context.Context) (kind byte, more []byte, err error) {
	for {
		var data []byte
		err := r.timed(ctx, func(ctx context.Context) (err error) {
			data, err = r.Broadcast(ctx, nil)
			return err
		})
		if err != nil {
			return 0, nil, err
		}
		if data[0] != orderBeat {
			return data[0], data[1:], nil
		}
	}
}

// hold does work that is rank 0's alone, and has the others wait meanwhile.
func (r *ranks) hold(ctx context.Context, work func() error) error {
	if r.Size() == 1 {
		return work()
	}
	done := make(chan error, 1)
	go func() { done <- work() }()
	beat := time.NewTicker(r.stallAfter / 4)
	defer beat.Stop()
	var failed error
	for {
		select {
		case err := <-done:
			return errors.Join(err, failed)
		case <-beat.C:
			if failed == nil {
				failed = r.order(ctx, orderBeat, nil)
			}
		}
	}
}

// check refuses ranks that cannot share the micro-batches of a step.
func (r *ranks) check(s Settings) error {
	size, m := r.Size(), s.micro()
	if size == 1 || m%size == 0 && bits.OnesCount(uint(m/size)) == 1 {
		return nil
	}
	if m == 1 {
		return fmt.Errorf("%w: %d ranks and one micro-batch: a run is spread over ranks by its micro-batches, --micro-batches %d or twice, four times as many, which it is begun with and keeps", ErrSettings, size, size)
	}
	return fmt.Errorf("%w: %d ranks and %d micro-batches: expected as many ranks as micro-batches, or the half, a quarter and so on", ErrSettings, size, m)
}

// end tells the others that the training is over, and why where it is not done: that
// is then the error of all.
func (r *ranks) end(ctx context.Context, err error) error {
	if r.Size() == 1 || r.over {
		return err
	}
	why := ""
	if err != nil {
		why = err.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // launchers kill soon after a signal
	defer cancel()
	if r.order(ctx, orderEnd, []byte(why)) == nil && err != nil {
		err = mpi.AgreedError{Err: err}
	}
	return err
}

// likeness is what must be the same on all ranks, by the words of errors.
type likeness struct {
	What, Is string
}

// Agree finds out, before anything is written, whether the ranks can train
// together: own is what went wrong on this rank so far, and all ranks end with an
// error if any has one. Program, settings, data and means must be the same.
func Agree(ctx context.Context, s Settings, o Options, own error) error {
	r := newRanks(o)
	if r.Size() == 1 {
		return own
	}
	if own == nil {
		own = bound(o)
	}
	var data []byte
	if own == nil {
		data, own = json.Marshal(alike(s, o))
	}
	all, err := r.agree(ctx, data, own)
	if err != nil {
		return err
	}
	ranks := make([][]likeness, len(all))
	for rank, data := range all {
		if err := json.Unmarshal(data, &ranks[rank]); err != nil {
			return fmt.Errorf("rank %d: %w", rank, err)
		}
		for i, l := range ranks[rank] {
			if first := ranks[0][i]; l != first {
				return mpi.AgreedError{Err: fmt.Errorf("%w: %s: expected the same on all", ErrRanks, l.differs(first, rank))}
			}
		}
	}
	return nil
}

// differs says how rank differs from rank 0.
func (l likeness) differs(first likeness, rank int) string {
	var s, s0 Settings
	if json.Unmarshal([]byte(l.Is), &s) == nil && json.Unmarshal([]byte(first.Is), &s0) == nil {
		if name, is, is0 := s.differs(s0); name != "" {
			return fmt.Sprintf("%s of rank %d is %v, and of rank 0 %v", name, rank, shown(is), shown(is0))
		}
	}
	return fmt.Sprintf("%s of rank %d: %s, and of rank 0: %s", l.What, rank, l.Is, first.Is)
}

func alike(s Settings, o Options) []likeness {
	settings, _ := json.Marshal(s) // finite numbers and text: cannot fail
	data := "none"
	if o.Data != nil {
		data = o.Data.Fingerprint
	}
	weights := sha256.New()
	for _, w := range []onnx.StateDict{o.Heaviest, o.Supernet, o.Start} {
		for _, name := range slices.Sorted(maps.Keys(w)) {
			fmt.Fprint(weights, name, w[name].Shape)
			binary.Write(weights, binary.LittleEndian, w[name].Data)
		}
	}
	return []likeness{
		{"the program", program()}, {"the settings", string(settings)}, {"the data", data}, {"the weights of teacher and supernet", fmt.Sprintf("%.6x", weights.Sum(nil))},
		{"what computes", o.computing()}, {"threads", fmt.Sprint(max(o.Threads, 0))},
	}
}

// maxProgram bounds the file of the program, in bytes.
const maxProgram = 1 << 30

// program is a hash of the program's file, as it is when first asked for.
var program = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	data, err := safefile.Read(path, maxProgram)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.6x", sha256.Sum256(data))
})

// bound refuses a rank whose threads have to share processors that it was bound to,
// while its machine has more.
func bound(o Options) error {
	cores, more := mpi.Bound()
	threads := cmp.Or(o.Threads, backprop.DefaultThreads)
	if !more || cores >= threads {
		return nil
	}
	return fmt.Errorf("%w: bound to %d of the machine's processor cores, for %d threads: mpirun --bind-to none (srun --cpu-bind=none) lets ranks have all, --threads %d is content with it",
		ErrRanks, cores, threads, cores)
}

// follow trains as one of the other ranks: it has no run folder, and does what rank
// 0 tells.
func follow(ctx context.Context, r *ranks, s Settings, o Options, data batches,
	build func(context.Context, Settings, Options, onnx.StateDict) (trainee, error)) error {
	kind, more, err := r.await(ctx)
	if err != nil || kind == orderEnd {
		return ended(err, more)
	}
	saved, err := decodeState(more)
	if err != nil {
		return err
	}
	o.ranges = saved.ranges
	trainee, err := build(ctx, s, o, saved.weights)
	if err != nil {
		return err
	}
	defer trainee.close()
	t := newTrainer(s, o, r, trainee, data)
	t.restore(saved)
	steps := data.Steps()
	next, stop := iter.Pull2(data.From(ctx, t.at.Step/steps, t.at.Step%steps))
	defer stop()
	for {
		if kind, more, err = r.await(ctx); err != nil || kind == orderEnd {
			return ended(err, more)
		}
		if err := t.step(ctx, t.from(next)); err != nil {
			return err
		}
	}
}

func ended(err error, why []byte) error {
	if err == nil && len(why) > 0 {
		err = mpi.AgreedError{Err: errors.New(string(why))}
	}
	return err
}

// begin sends the others the state that the training begins with.
func (t *trainer) begin(ctx context.Context) error {
	if t.ranks.Size() == 1 {
		return nil
	}
	var data bytes.Buffer
	s := t.state()
	s.average = nil
	if err := s.write(&data); err != nil {
		return err
	}
	return t.ranks.order(ctx, orderState, data.Bytes())
}

// from is the batches that next returns.
func (t *trainer) from(next func() (*dataset.Batch, error, bool)) func() (*dataset.Batch, error) {
	return func() (*dataset.Batch, error) {
		batch, err, ok := next()
		if err == nil && !ok {
			err = fmt.Errorf("data: no batch of step %d", t.at.Step+1)
		}
		return batch, err
	}
}
