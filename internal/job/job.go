package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// State is where a job is in its life.
type State int

// The states of a job.
const (
	Running State = iota
	Done
	Failed
	Cancelled
)

// String returns running, done, failed or cancelled.
func (s State) String() string { return [...]string{"running", "done", "failed", "cancelled"}[s] }

// Snapshot is a job at one moment. It shares nothing with the job.
type Snapshot struct {
	ID       int
	Name     string
	State    State
	Done     int // of Total; 0 of 0 where it is not known
	Total    int
	Left     time.Duration // estimated; 0 where it is not known
	Elapsed  time.Duration
	Paused   bool     // waits, or will as soon as it asks; see [Job.Pause]
	Status   string   // what it is doing
	Log      []string // the last lines, the newest last
	Err      error    // of a Failed job
	Result   any      // of a Done job; of a Running one, what there is so far
	Finished time.Time

	least       float64 // that Fraction had before there was more to do
	part, parts int     // of the work; 0 of 0 where it is one
}

// At is the job so far. Where there is more to do than was known the fraction does
// not go back.
func (s Snapshot) At(done, total int) Snapshot {
	switch {
	case s.Total > 0 && total > s.Total && done >= s.Done:
		s.least = max(s.least, share(s.Done, s.Total))
	case total != s.Total || done < s.Done:
		s.least = 0 // it is other work
	}
	s.Done, s.Total = done, total
	return s
}

// Fraction is how far the job is, 0 to 1.
func (s Snapshot) Fraction() float64 {
	if s.State == Done {
		return 1
	}
	return (float64(s.part) + max(s.least, share(s.Done, s.Total))) / float64(max(s.parts, 1))
}

func share(done, total int) float64 {
	if total <= 0 {
		return 0
	}
	return min(1, max(0, float64(done)/float64(total)))
}

// Left estimates how long the rest of equal pieces of work takes from what those
// done took; 0 before one is.
func Left(elapsed time.Duration, done, rest int) time.Duration {
	if done <= 0 || rest <= 0 {
		return 0
	}
	return elapsed / time.Duration(done) * time.Duration(rest)
}

// maxLog is the number of log lines kept.
const maxLog = 200

// publishEvery is how often progress is published at most.
const publishEvery = 100 * time.Millisecond

// Runner starts jobs and publishes what becomes of them. The zero value works
// and publishes nothing.
type Runner struct {
	// Publish receives every change of a job, from the job's goroutine, or that of
	// Beat; it must not wait for the job. Nil publishes nothing. Set it before Start.
	Publish func(Snapshot)

	mu   sync.Mutex
	next int
	jobs map[int]*Job
	wait sync.WaitGroup
}

// Job is one piece of work. Its methods may be called from any goroutine.
type Job struct {
	runner *Runner
	cancel context.CancelFunc
	ended  chan struct{}

	mu        sync.Mutex
	snap      Snapshot
	resumed   chan struct{} // closed by Resume; nil where the job is not paused
	started   time.Time
	published time.Time
}

// Start runs work in a goroutine of its own. The work reports through the Job
// it is given and returns its result; it ends soon after its context is
// cancelled. A panic of the work fails the job.
func (r *Runner) Start(ctx context.Context, name string, work func(context.Context, *Job) (any, error)) *Job {
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	r.next++
	j := &Job{runner: r, cancel: cancel, ended: make(chan struct{}), started: time.Now(), snap: Snapshot{ID: r.next, Name: name}}
	if r.jobs == nil {
		r.jobs = map[int]*Job{}
	}
	r.jobs[j.snap.ID] = j
	r.wait.Add(1)
	r.mu.Unlock()
	j.publish(true)
	go j.run(ctx, work)
	return j
}

func (j *Job) run(ctx context.Context, work func(context.Context, *Job) (any, error)) {
	defer j.runner.wait.Done()
	defer close(j.ended)
	defer j.cancel()
	result, err := guarded(ctx, j, work)
	j.mu.Lock()
	j.snap.Finished, j.snap.Left, j.snap.Paused = time.Now(), 0, false
	switch {
	case err == nil:
		j.snap.State, j.snap.Result = Done, result
		j.snap.Done = j.snap.Total
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		j.snap.State = Cancelled
	default:
		j.snap.State, j.snap.Err = Failed, err
	}
	j.mu.Unlock()
	j.publish(true)
}

func guarded(ctx context.Context, j *Job, work func(context.Context, *Job) (any, error)) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			j.Log(string(debug.Stack()))
			err = fmt.Errorf("job %s: panic: %v", j.Snapshot().Name, v)
		}
	}()
	return work(ctx, j)
}

// Progress reports how far the work is and how long it will take.
func (j *Job) Progress(done, total int, left time.Duration, status string) {
	j.mu.Lock()
	j.snap = j.snap.At(done, total)
	j.snap.Left, j.snap.Status = left, status
	j.mu.Unlock()
	j.publish(false)
}

// Part begins a part of the work, the first being 0: what [Job.Progress] reports from
// now on is of that.
func (j *Job) Part(part, parts int) {
	j.mu.Lock()
	j.snap = j.snap.At(0, 0)
	j.snap.part, j.snap.parts = part, parts
	j.mu.Unlock()
}

// Partial reports what there is of the result so far; it must not change
// afterwards. It is published at once: report whole rounds, not single values.
func (j *Job) Partial(result any) {
	j.mu.Lock()
	j.snap.Result = result
	j.mu.Unlock()
	j.publish(true)
}

// Log adds a line to the job's log.
func (j *Job) Log(line string) {
	j.mu.Lock()
	j.snap.Log = append(j.snap.Log, line)
	if n := len(j.snap.Log); n > maxLog {
		j.snap.Log = j.snap.Log[n-maxLog:]
	}
	j.mu.Unlock()
	j.publish(false)
}

// Cancel asks the job to end; it returns at once.
func (j *Job) Cancel() { j.cancel() }

// Ended is closed when the job has ended and its last snapshot is published.
func (j *Job) Ended() <-chan struct{} { return j.ended }

// Snapshot is the job as it is now.
func (j *Job) Snapshot() Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.snap
	s.Log = append([]string(nil), s.Log...)
	if s.Elapsed = time.Since(j.started); !s.Finished.IsZero() {
		s.Elapsed = s.Finished.Sub(j.started)
	}
	return s
}

// publish sends a snapshot, unless one went out a moment ago and this one can
// wait for the next.
func (j *Job) publish(now bool) {
	if j.runner.Publish == nil {
		return
	}
	j.mu.Lock()
	due := now || time.Since(j.published) >= publishEvery
	if due {
		j.published = time.Now()
	}
	j.mu.Unlock()
	if due {
		j.runner.Publish(j.Snapshot())
	}
}

// Beat publishes the jobs that run, so that their time goes on while they have nothing
// to report.
func (r *Runner) Beat() {
	r.mu.Lock()
	jobs := slices.Collect(maps.Values(r.jobs))
	r.mu.Unlock()
	for _, j := range jobs {
		if j.Snapshot().State == Running {
			j.publish(false)
		}
	}
}

// Cancel asks a job of the runner to end; unknown numbers are ignored.
func (r *Runner) Cancel(id int) {
	if j := r.find(id); j != nil {
		j.Cancel()
	}
}

// CancelAll asks every job to end and waits until they have.
func (r *Runner) CancelAll() {
	r.mu.Lock()
	for _, j := range r.jobs {
		j.cancel()
	}
	r.mu.Unlock()
	r.wait.Wait()
}
