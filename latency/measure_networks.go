package latency

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// MeasureNetwork measures one whole network of any architecture, in the way
// [Measure] measures blocks; the network is its own sentinel. o.Folder is not
// used: it takes seconds.
func MeasureNetwork(ctx context.Context, arch model.Architecture, imageSize int, o MeasureOptions) (Measurement, error) {
	o.Folder = ""
	m, err := measureNetworks(ctx, []model.Architecture{arch}, imageSize, o)
	if err != nil {
		return Measurement{}, fmt.Errorf("measure network: %w", err)
	}
	return m[0], nil
}

// groupSize is how many networks are open at once: one takes about 40 MB.
const groupSize = 12

// measureNetworks measures networks, in groups that share rounds. With a folder
// each group keeps its rounds in a folder 1, 2, … inside it.
func measureNetworks(ctx context.Context, archs []model.Architecture, imageSize int, o MeasureOptions) ([]Measurement, error) {
	if o.Slice == 0 {
		o.Slice = networkSlice
	}
	if o.Rounds == 0 {
		o.Rounds = networkRounds
	}
	if o.MaxRatio == 0 && len(archs) > 1 {
		o.MaxRatio = maxDrift
	}
	o = o.withDefaults()
	o.Passes = 0
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := checkNetworkMemory(archs, imageSize, o); err != nil {
		return nil, err
	}
	tasks := networkTasks(archs, imageSize, o)
	header := o.header("networks", "", imageSize, tasks)
	hash := fnv.New64a()
	for _, arch := range archs {
		io.WriteString(hash, arch.String()+"\n")
	}
	header.TasksHash = fmt.Sprintf("%016x", hash.Sum64())
	return measureGroups(ctx, tasks, header, o)
}

// maxDrift is how much slower than at its best the device may be in a round of
// several networks, which are levelled, and in one group than in another.
const maxDrift = 1.3

// measureGroups measures tasks in groups of at most groupSize. The first task
// is the sentinel of every group: where the device was slower in one round or
// group than in another, as virtual machines are for a while now and then, the
// times are scaled by what the sentinel took there over what it typically
// takes. A task alone is not. Tasks are dealt out in turn: each group has early
// and late ones. The header is that of all tasks.
func measureGroups(ctx context.Context, tasks []task, header measureHeader, o MeasureOptions) ([]Measurement, error) {
	groups := (len(tasks) + groupSize - 1) / groupSize
	results := make([]Measurement, len(tasks))
	sentinels := make([]float64, groups) // medians, ms
	begun := o.now()
	for g := range groups {
		members := []task{tasks[0]}
		for i := g; i < len(tasks); i += groups {
			if i > 0 {
				members = append(members, tasks[i])
			}
		}
		part := o
		part.Progress = groupProgress(o.Progress, g, groups, o.now().Sub(begun))
		part.Folder = groupFolder(o.Folder, g)
		m := &measurer{o: part, tasks: members, level: len(members) > 1}
		header.Tasks = len(members)
		if _, err := m.run(ctx, header); err != nil {
			return nil, err
		}
		measured := m.results()
		sentinels[g] = measured[tasks[0].key].MedianMS
		for i := g; i < len(tasks); i += groups {
			results[i] = measured[tasks[i].key]
		}
	}
	if best := slices.Min(sentinels); slices.Max(sentinels) > maxDrift*best {
		for g, ms := range sentinels {
			if folder := groupFolder(o.Folder, g); folder != "" && ms > maxDrift*best {
				os.Remove(filepath.Join(folder, recordName)) // measured anew the next time
			}
		}
		drift := slices.Max(sentinels) / best
		return nil, fmt.Errorf("%w: the device became %.0f%% slower or faster meanwhile, at most %.0f%% can be corrected for",
			ErrInconclusive, 100*(drift-1), 100*(maxDrift-1))
	}
	for i := range results {
		scale := Quantile(sentinels, 0.5) / sentinels[i%groups]
		results[i].MedianMS *= scale
		results[i].MinMS *= scale
	}
	return results, nil
}

// groupFolder is the folder of a group's rounds.
func groupFolder(folder string, group int) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, strconv.Itoa(group+1))
}

// KeepsRounds reports that a folder holds rounds to go on from.
func KeepsRounds(folder string) bool {
	for _, f := range []string{folder, groupFolder(folder, 0)} {
		if _, err := os.Stat(filepath.Join(f, recordName)); err == nil {
			return true
		}
	}
	return false
}

// RemoveRun removes what measurements kept in a folder, and the folder where
// there is nothing else in it.
func RemoveRun(folder string) {
	if folder == "" {
		return
	}
	os.Remove(filepath.Join(folder, recordName))
	for g := 0; ; g++ {
		group := groupFolder(folder, g)
		os.Remove(filepath.Join(group, recordName))
		if os.Remove(group) != nil { // there is none, or there is more in it
			break
		}
	}
	os.Remove(folder)
}

// groupProgress turns the progress of one group, which began after a time, into
// that of all.
func groupProgress(progress func(MeasureProgress), group, groups int, after time.Duration) func(MeasureProgress) {
	return func(p MeasureProgress) {
		p.Round += group * p.Rounds
		p.Rounds *= groups
		if !p.Preparing {
			p.Remaining += time.Duration(groups-group-1) * (p.Elapsed + p.Remaining)
		}
		p.Elapsed += after
		p.Done += group * p.Total
		p.Total *= groups
		progress(p)
	}
}
