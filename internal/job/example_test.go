package job_test

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/internal/job"
)

func Example() {
	var r job.Runner
	j := r.Start(context.Background(), "sum", func(_ context.Context, j *job.Job) (any, error) {
		sum := 0
		for i := range 5 {
			sum += i
			j.Progress(i+1, 5, 0, "adding")
		}
		return sum, nil
	})
	<-j.Ended()
	s := j.Snapshot()
	fmt.Println(s.Name, s.State, s.Result)
	// Output: sum done 10
}
