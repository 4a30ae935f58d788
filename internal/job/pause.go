package job

import "context"

// Pause asks the job to rest where it next calls [Job.Wait]; work that never
// calls it cannot be paused. Pausing twice, or a job that has ended, is fine.
func (j *Job) Pause() {
	j.mu.Lock()
	if j.resumed == nil && j.snap.State == Running {
		j.resumed, j.snap.Paused = make(chan struct{}), true
	}
	j.mu.Unlock()
	j.publish(true)
}

// Resume lets a paused job go on.
func (j *Job) Resume() {
	j.mu.Lock()
	if j.resumed != nil {
		close(j.resumed)
		j.resumed, j.snap.Paused = nil, false
	}
	j.mu.Unlock()
	j.publish(true)
}

// Wait is called by work at places where it can rest, between steps: it returns
// at once, or where the job is paused when it is resumed. The error is that of
// the context where that ends first. A nil job is never paused.
func (j *Job) Wait(ctx context.Context) error {
	for j != nil {
		j.mu.Lock()
		resumed := j.resumed
		j.mu.Unlock()
		if resumed == nil {
			return ctx.Err()
		}
		select {
		case <-resumed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// Pause asks a job of the runner to rest; unknown numbers are ignored.
func (r *Runner) Pause(id int) {
	if j := r.find(id); j != nil {
		j.Pause()
	}
}

// Resume lets a job of the runner go on; unknown numbers are ignored.
func (r *Runner) Resume(id int) {
	if j := r.find(id); j != nil {
		j.Resume()
	}
}

func (r *Runner) find(id int) *Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jobs[id]
}
