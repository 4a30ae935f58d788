package latency

import (
	"context"
	"fmt"
	"time"
)

// fakeDevice is a device whose clock is the work done on it.
type fakeDevice struct {
	time   time.Time
	slow   func(d *fakeDevice) float64 // how much slower a run is now; nil is 1
	onRun  func(d *fakeDevice)         // called before each run; may be nil
	runs   int
	opened int
	closed int

	interruptible int // runs whose context can end
}

func newFakeDevice() *fakeDevice { return &fakeDevice{time: time.Unix(1e9, 0)} }

func (d *fakeDevice) now() time.Time { return d.time }

// since is the time since the device began.
func (d *fakeDevice) since() time.Duration { return d.time.Sub(time.Unix(1e9, 0)) }

// fakeRunner takes a fixed time per run.
type fakeRunner struct {
	d    *fakeDevice
	cost time.Duration
}

func (r fakeRunner) Run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.d.onRun != nil {
		r.d.onRun(r.d)
	}
	if ctx.Done() != nil {
		r.d.interruptible++
	}
	slow := 1.0
	if r.d.slow != nil {
		slow = r.d.slow(r.d)
	}
	r.d.runs++
	r.d.time = r.d.time.Add(time.Duration(float64(r.cost) * slow))
	return nil
}

func (r fakeRunner) Close() error {
	r.d.closed++
	return nil
}

// fakeCost is what task i takes.
func fakeCost(i int) time.Duration { return time.Duration(200+17*i) * time.Microsecond }

// tasks returns n tasks on the device.
func (d *fakeDevice) tasks(n int) []task {
	tasks := make([]task, n)
	for i := range tasks {
		tasks[i] = task{fmt.Sprintf("task %d", i), func() (runner, error) {
			d.opened++
			return fakeRunner{d, fakeCost(i)}, nil
		}}
	}
	return tasks
}

// opener opens runners that take what their key costs.
func (d *fakeDevice) opener(cost func(key string) time.Duration) func(task) (runner, error) {
	return func(t task) (runner, error) {
		d.opened++
		return fakeRunner{d, cost(t.key)}, nil
	}
}

// measure measures n tasks with the given options.
func (d *fakeDevice) measure(ctx context.Context, n int, o MeasureOptions) (map[string]Measurement, error) {
	if o.now = d.now; o.Passes == 0 {
		o.Passes = 8
	}
	o = o.withDefaults()
	tasks := d.tasks(n)
	m := &measurer{o: o, tasks: tasks, sentinel: sentinelOf(tasks)}
	header := o.header("test", "space", 224, taskKeys(tasks))
	header.Runtime = "none" // whatever other tests have loaded into this process
	if _, err := m.run(ctx, header); err != nil {
		return nil, err
	}
	return m.results(), nil
}
