package latency

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/model"
)

// Whole networks are looked at in groups: some are opened anew, then run in
// bursts, one network after the other in a new random order each time, so that
// each stands between many others. What a device takes varies by a tenth and
// more within a second where others share its caches; the bursts before and
// after say by how much it did (see fitNetworks).

// The sizes of groups and bursts.
const (
	groupNetworks = 12      // open at once, at most
	groupBytes    = 3 << 29 // they may take, estimated
	groupTime     = 15 * time.Second
	burstMS       = 45.0 // timed runs of a burst take about that long,
	minBurst      = 3    // and are this many,
	maxBurst      = 12   // to this many
	openMS        = 120. // bursts of an opening take about so long at least, warming up included,
	moreBursts    = 4    // where that takes this many times as many at most
)

// burstsOf is how many untraced bursts an opening has of a network of ms
// milliseconds: more than usual of one that takes little.
func burstsOf(usual int, ms float64) int {
	burst := ms * float64(maxWarmUp+runsOfBurst(ms))
	return min(max(usual, int(openMS/burst)), moreBursts*usual)
}

// burst is some runs in a row.
type burst struct {
	AtMS   float64   `json:"at_ms"` // on the clock of the day
	RunsMS []float64 `json:"runs_ms"`
	// BlocksMS is, of a network that is traced, what its blocks took: [run][block
	// of opening.Blocks].
	BlocksMS [][]float64 `json:"blocks_ms,omitempty"`
}

// opening is what was found in one opening of a network: a line of the file.
type opening struct {
	Network int     `json:"network"`
	Round   int     `json:"round"`
	Group   int64   `json:"group"`            // the networks that were open at once: when, in ms
	Bursts  []burst `json:"bursts"`           // untraced
	Traced  []burst `json:"traced,omitempty"` // of a second session
	Blocks  []int   `json:"blocks,omitempty"` // of the space; fixedBlock for the fixed part
	Nodes   []int   `json:"nodes,omitempty"`  // of each of Blocks
}

// fixedBlock stands for the fixed part among blocks of a space.
const fixedBlock = -1

// maxNetworks bounds the networks of a file, and maxVisitRounds its rounds.
const (
	maxNetworks    = 1 << 12
	maxVisitRounds = 1 << 10
)

// place is where the opening is in a file of records.
func (o opening) place() int { return o.Round*maxNetworks + o.Network }

// check refuses numbers that no visit gives.
func (o opening) check(blocks int) error {
	if o.Network < 0 || o.Network >= maxNetworks || o.Round < 0 || o.Round >= maxVisitRounds {
		return fmt.Errorf("network %d in round %d: expected 0 to %d and 0 to %d", o.Network, o.Round, maxNetworks-1, maxVisitRounds-1)
	}
	if len(o.Bursts) == 0 || len(o.Nodes) != len(o.Blocks) || (len(o.Traced) > 0) != (len(o.Blocks) > 0) {
		return fmt.Errorf("%d bursts, %d traced of %d blocks and nodes of %d: expected bursts, and both or none of the others",
			len(o.Bursts), len(o.Traced), len(o.Blocks), len(o.Nodes))
	}
	for i, b := range o.Blocks {
		if b < fixedBlock || b >= blocks || slices.Contains(o.Blocks[:i], b) || o.Nodes[i] < 1 {
			return fmt.Errorf("%d nodes of block %d: expected different blocks of the space", o.Nodes[i], b)
		}
	}
	for i, b := range slices.Concat(o.Bursts, o.Traced) {
		if len(b.RunsMS) == 0 || math.IsNaN(b.AtMS) || math.IsInf(b.AtMS, 0) || (i >= len(o.Bursts)) != (len(b.BlocksMS) > 0) {
			return fmt.Errorf("burst %d of %d runs: expected runs", i, len(b.RunsMS))
		}
		if len(b.BlocksMS) > 0 && len(b.BlocksMS) != len(b.RunsMS) {
			return fmt.Errorf("burst %d: %d runs of blocks: expected %d", i, len(b.BlocksMS), len(b.RunsMS))
		}
		for _, ms := range b.RunsMS {
			if !(ms > 0) || math.IsInf(ms, 1) {
				return fmt.Errorf("a run took %v ms: expected more than 0", ms)
			}
		}
		for _, run := range b.BlocksMS {
			if len(run) != len(o.Blocks) {
				return fmt.Errorf("a run has %d blocks: expected %d", len(run), len(o.Blocks))
			}
			for _, ms := range run {
				if !usable(ms) {
					return fmt.Errorf("a block took %v ms: expected at least 0", ms)
				}
			}
		}
	}
	return nil
}

// visitor looks at networks and keeps what it found.
type visitor struct {
	d         Device
	imageSize int
	networks  int // of a file, where they are all known
	seed      uint64
	bursts    int // of an opening, untraced, at least
	traced    int // of an opening, traced; 0 for none, also once the device turned out to have no traces
	// attribute says what a trace's nodes belong to, where there are traces.
	attribute func(network int, nodes []string) ([]int, error)
	has       func(network, block int) bool // of the space; nil where nothing is traced
	batch     int
	now       func() time.Time
	warn      func(string) // of what is damaged
	begun     time.Time    // when the file was opened,
	before    int          // with so many openings in it

	file     *records.File // nil keeps nothing
	openings []opening
	failed   int // traces in a row that could not be read
}

// openVisits reads the visits of a folder, or begins a file of them; close ends
// it. An empty folder keeps nothing. What was damaged is told; Date is when the
// measurement was first begun.
func (v *visitor) openVisits(folder string, header *measureHeader, blocks int) error {
	if v.begun = v.now(); folder == "" {
		return nil
	}
	f, err := openRecords(folder, header, func(object []byte) (int, error) {
		var o opening
		if err := strictJSON(object, &o); err != nil {
			return 0, err
		}
		if err := o.check(blocks); err != nil {
			return 0, err
		}
		if v.networks > 0 && o.Network >= v.networks {
			return 0, fmt.Errorf("network %d: expected less than %d", o.Network, v.networks)
		}
		for _, b := range o.Blocks {
			if b != fixedBlock && (v.has == nil || !v.has(o.Network, b)) {
				return 0, fmt.Errorf("network %d has no block %d", o.Network, b)
			}
		}
		v.openings = append(v.openings, o)
		return o.place(), nil
	})
	if err != nil {
		return err
	}
	if lost := f.Lost.String(); lost != "" {
		v.warn(lost)
	}
	v.file, v.before = f, len(v.openings)
	v.sort()
	return nil
}

func (v *visitor) sort() {
	slices.SortFunc(v.openings, func(a, b opening) int { return a.place() - b.place() })
}

// progress is how many of a number of openings there are.
func (v *visitor) progress(total int) MeasureProgress {
	done, took := len(v.openings), v.now().Sub(v.begun)
	return MeasureProgress{Unit: "network", Round: done, Rounds: total, Done: done, Total: total,
		Elapsed: took, Remaining: job.Left(took, done-v.before, max(total-done, 0))}
}

func (v *visitor) close() error {
	if v.file == nil {
		return nil
	}
	return v.file.Close()
}

// missing are the networks of a round, of the first n, that are not in the file.
func (v *visitor) missing(n, round int) []int {
	have := make([]bool, n)
	for _, o := range v.openings {
		if o.Round == round && o.Network < n {
			have[o.Network] = true
		}
	}
	var out []int
	for i, ok := range have {
		if !ok {
			out = append(out, i)
		}
	}
	return out
}

// round looks once at each of the networks that the round lacks, and calls done
// after every group.
func (v *visitor) round(ctx context.Context, archs []model.Architecture, round int, done func()) error {
	for {
		left := v.missing(len(archs), round)
		if len(left) == 0 {
			return nil
		}
		rng := rand.New(rand.NewPCG(v.seed, uint64(round)<<32|uint64(len(left))))
		rng.Shuffle(len(left), func(a, b int) { left[a], left[b] = left[b], left[a] })
		found, err := v.group(ctx, archs, left, rng)
		if err != nil {
			return err
		}
		for _, o := range found {
			o.Round = round
			if v.file != nil {
				if err := v.file.Add(o.place(), o); err != nil {
					return fmt.Errorf("run folder: %w", err)
				}
			}
			v.openings = append(v.openings, o)
		}
		v.sort()
		done()
	}
}

// member is a network of a group.
type member struct {
	opening
	plain  *session
	bursts int      // of plain
	traced *session // nil where there is none
	runs   []int    // of the traced network before each traced burst, those to warm up included
}

// group opens as many of the networks as go together and looks at them.
func (v *visitor) group(ctx context.Context, archs []model.Architecture, networks []int, rng *rand.Rand) (found []opening, err error) {
	var members []*member
	defer func() {
		for _, m := range members {
			m.plain.Close()
			if m.traced != nil {
				m.traced.Close()
			}
		}
	}()
	networks = v.fitting(archs, networks)
	var ready []OpenNetwork
	if p, ok := v.d.(preparer); ok {
		var release func()
		ready, release, err = p.prepare(ctx, each(networks, func(n int) model.Architecture { return archs[n] }), v.imageSize)
		defer release()
		if err != nil {
			return nil, err
		}
	}
	spent := 0.0 // ms, by the bursts of the group, estimated
	most := 0    // bursts
	for i, n := range networks {
		if spent > float64(groupTime/time.Millisecond) {
			break
		}
		var open OpenNetwork
		if len(ready) > 0 {
			open = ready[i]
		}
		m, err := v.open(ctx, archs[n], n, open)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
		if _, err := takeTurns(ctx, v.d, []turn{{session: m.plain, warmUp: true}}, v.now); err != nil {
			return nil, err
		}
		usual := v.bursts
		if v.traced == 0 {
			usual = max(usual, onlyBursts)
		}
		m.bursts = burstsOf(usual, m.plain.ms)
		most = max(most, m.bursts, v.traced)
		spent += float64((m.bursts+v.traced)*(WarmUpRuns+runsOfBurst(m.plain.ms))) * m.plain.ms
	}
	var turns []turn
	var whose []*member
	for round := range most {
		for _, i := range rng.Perm(2 * len(members)) {
			m := members[i/2]
			if i%2 == 0 && round < m.bursts {
				turns, whose = append(turns, turn{m.plain, true, usualRuns}), append(whose, m)
			}
			if i%2 == 1 && round < v.traced && m.traced != nil {
				turns, whose = append(turns, turn{m.traced, true, usualRuns}), append(whose, m)
			}
		}
	}
	took, err := takeTurns(ctx, v.d, turns, v.now)
	if err != nil {
		return nil, err
	}
	for i, m := range whose {
		b := burst{AtMS: took[i].AtMS, RunsMS: took[i].RunsMS}
		if turns[i].session == m.plain {
			m.Bursts = append(m.Bursts, b)
		} else {
			m.Traced, m.runs = append(m.Traced, b), append(m.runs, took[i].Before)
		}
	}
	ended := v.now().UnixMilli()
	for _, m := range members {
		m.Group = ended
		ok, err := v.trace(m)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, m.opening)
		}
	}
	return found, nil
}

// fitting are the first of networks that can be open at once: one at least.
func (v *visitor) fitting(archs []model.Architecture, networks []int) []int {
	networks = networks[:min(len(networks), groupNetworks)]
	var bytes int64
	for i, n := range networks {
		if bytes += v.size(archs[n]); i > 0 && bytes > groupBytes {
			return networks[:i]
		}
	}
	return networks
}

// size estimates what an open network takes, with its traced twin.
func (v *visitor) size(arch model.Architecture) int64 {
	c, err := arch.Cost(v.imageSize, 1000)
	if err != nil {
		return groupBytes
	}
	bytes := 8*c.Params + 3*int64(v.batch)*c.PeakBytes
	if v.traced > 0 {
		bytes *= 2
	}
	return bytes
}

// open opens a network, where it is not open yet, and once more to be traced.
func (v *visitor) open(ctx context.Context, arch model.Architecture, network int, n OpenNetwork) (*member, error) {
	m := &member{opening: opening{Network: network}}
	if tracer, ok := v.d.(Tracer); ok && v.traced > 0 {
		traced, err := tracer.OpenTraced(ctx, arch, v.imageSize)
		switch {
		case errors.Is(err, ErrNoTrace):
			v.traced = 0
		case err != nil:
			return nil, err
		default:
			m.traced = &session{OpenNetwork: traced}
		}
	} else {
		v.traced = 0
	}
	if n == nil {
		var err error
		if n, err = v.d.Open(ctx, arch, v.imageSize); err != nil {
			if m.traced != nil {
				m.traced.Close()
			}
			return nil, err
		}
	}
	m.plain = &session{OpenNetwork: n}
	return m, nil
}

// trace takes in the trace of a network, where it has one. It is not ok where
// the trace cannot be read, and an error where that goes on.
func (v *visitor) trace(m *member) (ok bool, err error) {
	if m.traced == nil || v.traced == 0 {
		m.Traced, m.Blocks, m.Nodes = nil, nil, nil
		return true, nil
	}
	trace, err := m.traced.OpenNetwork.(TracedNetwork).Trace()
	if err == nil {
		err = m.take(trace, v.attribute)
	}
	switch {
	case err == nil:
		v.failed = 0
		return true, nil
	case errors.Is(err, ErrNoTrace): // regression on whole networks
		v.traced = 0
		m.Traced, m.Blocks, m.Nodes = nil, nil, nil
		return true, nil
	}
	if v.failed++; v.failed < maxFailedTraces {
		return false, nil // it is looked at again
	}
	return false, fmt.Errorf("%d traces in a row: %w", v.failed, err)
}

// maxFailedTraces is how many traces in a row may be damaged.
const maxFailedTraces = 3

// take takes in a trace: what the blocks took in the timed runs.
func (m *member) take(t Trace, attribute func(int, []string) ([]int, error)) error {
	owners, err := attribute(m.Network, t.Nodes)
	if err != nil {
		return err
	}
	at := map[int]int{}
	m.Blocks, m.Nodes = nil, nil
	for _, b := range owners {
		if _, ok := at[b]; !ok {
			at[b] = len(m.Blocks)
			m.Blocks, m.Nodes = append(m.Blocks, b), append(m.Nodes, 0)
		}
		m.Nodes[at[b]]++
	}
	for i := range m.Traced {
		b := &m.Traced[i]
		if m.runs[i]+len(b.RunsMS) > len(t.RunsMS) {
			return fmt.Errorf("%w: it has %d runs: expected at least %d", ErrTrace, len(t.RunsMS), m.runs[i]+len(b.RunsMS))
		}
		b.BlocksMS = nil
		for _, nodes := range t.RunsMS[m.runs[i]:][:len(b.RunsMS)] {
			if len(nodes) != len(owners) {
				return fmt.Errorf("%w: a run has %d nodes: expected %d", ErrTrace, len(nodes), len(owners))
			}
			blocks := make([]float64, len(m.Blocks))
			for j, ms := range nodes {
				if !usable(ms) {
					return fmt.Errorf("%w: %s took %v ms: expected at least 0", ErrTrace, quote(t.Nodes[j]), ms)
				}
				blocks[at[owners[j]]] += ms
			}
			for j := range blocks {
				blocks[j] = rounded(blocks[j])
			}
			b.BlocksMS = append(b.BlocksMS, blocks)
		}
	}
	return nil
}
