package latency

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// The protocol between a [Remote] and [Serve]: a line of JSON for every request
// and reply, the replies in the order of the requests (docs/FORMATS.md).
const (
	deviceProtocol  = 1
	maxRequestBytes = 1 << 20
	maxReplyBytes   = 32 << 20

	// While nothing is asked, pings say that the connection is alive: without them,
	// where a machine is suspended or unplugged, nobody learns that it is not. Three
	// packets in a row that are lost, and sent again, do not end it.
	pingTime  = 500 * time.Millisecond
	pingsLost = 3 * time.Second
)

// deviceHello is the first line of who measures.
type deviceHello struct {
	Protocol int           `json:"protocol"`
	Program  string        `json:"program"` // its version
	Options  DeviceOptions `json:"options"`
}

// What can be asked for.
const (
	doPing       = "ping"        // no reply
	doOpen       = "open"        // Architecture, ImageSize
	doOpenTraced = "open-traced" // the same
	doTurns      = "turns"
	doTrace      = "trace" // Network
	doClose      = "close" // Network; no reply
)

// deviceRequest is a request. A network is known by the number of the request that
// opened it.
type deviceRequest struct {
	Number       int          `json:"number"`
	Do           string       `json:"do"`
	Network      int          `json:"network,omitempty"`
	Architecture string       `json:"architecture,omitempty"`
	ImageSize    int          `json:"image_size,omitempty"`
	Turns        []deviceTurn `json:"turns,omitempty"`
}

// deviceTurn is a [turn].
type deviceTurn struct {
	Network int  `json:"network"`
	WarmUp  bool `json:"warm_up"`
	Runs    int  `json:"runs"`
}

// deviceReply is a reply: to the hello, number 0, with a provenance; to turns with
// what they took, on a clock that began with the first; to a trace.
type deviceReply struct {
	Number     int         `json:"number"`
	Error      string      `json:"error,omitempty"`
	Kind       string      `json:"kind,omitempty"` // of the error, one of errorKinds
	Protocol   int         `json:"protocol,omitempty"`
	Program    string      `json:"program,omitempty"`
	Provenance *Provenance `json:"provenance,omitempty"`
	Taken      []taken     `json:"taken,omitempty"`
	Trace      *Trace      `json:"trace,omitempty"`
}

// Errors of remote devices.
var (
	// ErrDeviceInUse says that another process measures on the machine.
	ErrDeviceInUse = errors.New("the device is in use")
	// ErrNoProgram says that this program is not there for the platform of a host.
	ErrNoProgram = errors.New("a host of another platform")
	// ErrProtocol says that the other end is of another version, or damaged.
	ErrProtocol = errors.New("the other end does not speak this program's protocol")
)

// errorKinds are the errors that both ends tell apart.
var errorKinds = []struct {
	name string
	err  error
}{
	{"no-trace", ErrNoTrace}, {"trace", ErrTrace}, {"target", onnx.ErrTargetUnavailable}, {"memory", memory.ErrTooMuch},
	{"in-use", ErrDeviceInUse}, {"protocol", ErrProtocol}, {"cuda-library", onnx.ErrNoCUDALibrary}, {"library", onnx.ErrNoLibrary}, {"old-library", onnx.ErrTooOld},
}

// remoteError is an error of the other end.
type remoteError struct {
	text string
	is   error
}

func (e remoteError) Error() string { return e.text }
func (e remoteError) Unwrap() error { return e.is }

// otherVersion says that the other end is of another version.
func otherVersion(other string) error {
	return fmt.Errorf("%w: it is version %q, this is %q: build all of one version (make build cross)", ErrProtocol, other, version.Text())
}

// maxText bounds what the other end says of itself, in bytes.
const maxText = 1000

func remoteText(text string) string {
	return sanitize.Line(strings.ToValidUTF8(text[:min(len(text), maxText)], ""))
}

// A Link is a connection to a program that runs [Serve].
type Link interface {
	io.ReadWriteCloser
	// Lost is why the link ended while it was needed.
	Lost() error
}

// Remote is another machine, on which a program runs [Serve]. It is a [Tracer].
// A context that ends, or a reply that is none, ends the connection.
type Remote struct {
	link       Link
	host       string
	provenance Provenance

	mu     sync.Mutex // of writing
	number int
	lines  chan []byte // replies; closed when the link has ended
	closed chan struct{}
	once   sync.Once
	broken error // of the link: nothing can be asked any more
}

// NewRemote greets the program at the other end of a link, which Close closes.
func NewRemote(ctx context.Context, link Link, o DeviceOptions) (*Remote, error) {
	r := &Remote{link: link, host: o.Host, lines: make(chan []byte), closed: make(chan struct{})}
	go r.read()
	reply, err := r.ask(ctx, deviceHello{Protocol: deviceProtocol, Program: version.Text(), Options: o}, 0)
	p := reply.Provenance
	switch {
	case err != nil:
	case reply.Protocol != deviceProtocol || reply.Program != version.Text():
		err = fmt.Errorf("%s: %w", o.Host, otherVersion(remoteText(reply.Program)))
	case p == nil || p.Device != cmp.Or(o.Target, string(onnx.CPU)) || p.Threads != max(o.Threads, 1) || p.Batch != max(o.Batch, 1) ||
		p.ComputesIn() != cmp.Or(o.Precision, onnx.FP32):
		err = fmt.Errorf("%s: %w: it measures something else than it was asked for", o.Host, ErrProtocol)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	r.provenance = Provenance{Host: o.Host, Device: p.Device, Processor: remoteText(p.Processor), Runtime: remoteText(p.Runtime), Threads: p.Threads, Batch: p.Batch, Precision: p.Precision}
	go r.ping()
	return r, nil
}

// read hands over lines until the link or the device ends.
func (r *Remote) read() {
	defer close(r.lines)
	lines := bufio.NewScanner(r.link)
	lines.Buffer(nil, maxReplyBytes)
	for lines.Scan() {
		select {
		case r.lines <- bytes.Clone(lines.Bytes()):
		case <-r.closed:
			return
		}
	}
}

// ping says now and then that this end is there.
func (r *Remote) ping() {
	tick := time.NewTicker(pingTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if r.send(deviceRequest{Do: doPing}) != nil {
				return
			}
		case <-r.closed:
			return
		}
	}
}

func (r *Remote) send(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err = r.link.Write(append(line, '\n'))
	return err
}

// graceTime is how long a lost link waits for the context to end: what ends this
// process, as an interrupt, ends ssh too.
const graceTime = 200 * time.Millisecond

// ask sends a request and waits for the reply of that number. All errors but those
// that the other end answers with end the connection.
func (r *Remote) ask(ctx context.Context, request any, number int) (reply deviceReply, err error) {
	if r.broken != nil {
		return reply, r.broken
	}
	defer func() {
		var answered remoteError
		if err != nil && !errors.As(err, &answered) {
			r.broken = err
			r.Close()
		}
	}()
	if err := ctx.Err(); err != nil {
		return reply, err
	}
	sent := r.send(request)
	select {
	case <-ctx.Done():
		return reply, ctx.Err()
	case line, ok := <-r.lines:
		if !ok || sent != nil {
			select {
			case <-ctx.Done():
				return reply, ctx.Err()
			case <-time.After(graceTime):
				return reply, r.link.Lost()
			}
		}
		if err := strictJSON(line, &reply); err != nil || reply.Number != number {
			return reply, fmt.Errorf("%s: %w: reply %d to request %d: %s", r.host, ErrProtocol, reply.Number, number, remoteText(string(line)))
		}
	}
	if reply.Error == "" {
		return reply, nil
	}
	answer := remoteError{text: r.host + ": " + remoteText(reply.Error)}
	for _, k := range errorKinds {
		if reply.Kind == k.name {
			answer.is = k.err
		}
	}
	return reply, answer
}

// request is ask with the next number.
func (r *Remote) request(ctx context.Context, q deviceRequest) (deviceReply, error) {
	r.number++
	q.Number = r.number
	return r.ask(ctx, q, q.Number)
}

// Provenance implements [Device].
func (r *Remote) Provenance() Provenance { return r.provenance }

// Close implements [Device]: the program at the other end ends.
func (r *Remote) Close() error {
	r.once.Do(func() {
		close(r.closed)
		r.link.Close()
	})
	return nil
}

// Open implements [Device].
func (r *Remote) Open(ctx context.Context, arch model.Architecture, imageSize int) (OpenNetwork, error) {
	return r.open(ctx, doOpen, arch, imageSize)
}

// OpenTraced implements [Tracer].
func (r *Remote) OpenTraced(ctx context.Context, arch model.Architecture, imageSize int) (TracedNetwork, error) {
	return r.open(ctx, doOpenTraced, arch, imageSize)
}

func (r *Remote) open(ctx context.Context, do string, arch model.Architecture, imageSize int) (*remoteNetwork, error) {
	reply, err := r.request(ctx, deviceRequest{Do: do, Architecture: arch.String(), ImageSize: imageSize})
	if err != nil {
		return nil, err
	}
	return &remoteNetwork{r: r, number: reply.Number}, nil
}

// remoteNetwork is a network open on a remote device.
type remoteNetwork struct {
	r      *Remote
	number int
	closed bool
}

// Run implements [OpenNetwork].
func (n *remoteNetwork) Run(ctx context.Context, runs int) ([]float64, error) {
	took, err := n.r.takeTurns(ctx, []turn{{session: &session{OpenNetwork: n}, runs: runs}}, time.Now)
	if err != nil {
		return nil, err
	}
	return took[0].RunsMS, nil
}

// Close implements [OpenNetwork].
func (n *remoteNetwork) Close() error {
	if !n.closed && n.r.broken == nil {
		n.r.send(deviceRequest{Do: doClose, Network: n.number})
	}
	n.closed = true
	return nil
}

// Trace implements [TracedNetwork].
func (n *remoteNetwork) Trace() (Trace, error) {
	defer n.Close()
	if n.closed {
		return Trace{}, fmt.Errorf("%w: the network is closed", ErrTrace)
	}
	reply, err := n.r.request(context.Background(), deviceRequest{Do: doTrace, Network: n.number})
	if err == nil && reply.Trace == nil {
		err = fmt.Errorf("%s: %w: a reply without a trace", n.r.host, ErrProtocol)
	}
	if err != nil {
		return Trace{}, err
	}
	for i, node := range reply.Trace.Nodes {
		reply.Trace.Nodes[i] = remoteText(node)
	}
	return *reply.Trace, nil
}

// takeTurns implements [turnTaker].
func (r *Remote) takeTurns(ctx context.Context, turns []turn, now func() time.Time) ([]taken, error) {
	q := deviceRequest{Do: doTurns}
	for _, t := range turns {
		q.Turns = append(q.Turns, deviceTurn{t.session.OpenNetwork.(*remoteNetwork).number, t.warmUp, t.runs})
	}
	begun := float64(now().UnixMicro()) / 1e3
	reply, err := r.request(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(reply.Taken) != len(turns) {
		return nil, r.damaged(fmt.Errorf("%d turns: expected %d", len(reply.Taken), len(turns)))
	}
	for i := range reply.Taken {
		t := &reply.Taken[i]
		if err := t.check(turns[i]); err != nil {
			return nil, r.damaged(err)
		}
		t.AtMS = rounded(begun + t.AtMS)
		turns[i].session.ms = t.WarmMS
	}
	return reply.Taken, nil
}

// damaged ends a connection of which a reply cannot be.
func (r *Remote) damaged(err error) error {
	r.broken = fmt.Errorf("%s: %w: %w", r.host, ErrProtocol, err)
	r.Close()
	return r.broken
}

// maxTurnsMS bounds how long turns may take: the longest run times the most of them.
const maxTurnsMS = 1e10

// check refuses what a turn cannot have taken.
func (t taken) check(of turn) error {
	runs := of.runs
	if runs == usualRuns {
		runs = runsOfBurst(t.WarmMS)
	}
	if of.warmUp && !(t.WarmMS > 0) || math.IsInf(t.WarmMS, 1) || t.Before < 0 || !(t.AtMS >= 0 && t.AtMS < maxTurnsMS) {
		return fmt.Errorf("a turn of %v ms at %v ms after %d runs: expected positive numbers", t.WarmMS, t.AtMS, t.Before)
	}
	return checkRuns(t.RunsMS, runs)
}
