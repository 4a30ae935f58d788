package latency

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/model"
)

// Bounds of what is served.
const (
	maxServed   = 64 // networks open at once
	maxTurns    = 4096
	maxTurnRuns = 10000 // of a turn
)

// endTime is how long Serve waits for a run that its end has cancelled.
const endTime = 500 * time.Millisecond

// Serve is the end of a [Remote] that has the device: it opens the device that the
// first line asks for, answers requests until its input ends, and closes what is
// open. It returns within half a second of that, also out of a run, or where
// nothing was heard for three seconds. The error says what was asked wrongly.
func Serve(ctx context.Context, in io.Reader, out io.Writer, open func(context.Context, DeviceOptions) (Device, error)) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	lines := make(chan []byte)
	go func() {
		silence := time.AfterFunc(pingsLost, func() { end(fmt.Errorf("nothing was heard for %v", pingsLost)) })
		defer silence.Stop()
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxRequestBytes)
		for scanner.Scan() {
			silence.Reset(pingsLost)
			line := bytes.Clone(scanner.Bytes())
			var q deviceRequest
			if json.Unmarshal(line, &q) == nil && q.Do == doPing {
				continue
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
		err := scanner.Err()
		if err == nil {
			err = io.EOF
		}
		end(err)
	}()
	done := make(chan error, 1)
	go func() {
		s := &server{out: out, networks: map[int]*session{}}
		err := s.serve(ctx, lines, open)
		s.close() // before the program ends: networks leave no files
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		if errors.Is(err, ErrProtocol) {
			return err
		}
	case <-time.After(endTime):
	}
	if err := context.Cause(ctx); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// server is a device that is served.
type server struct {
	out      io.Writer
	device   Device
	networks map[int]*session
}

func (s *server) close() {
	for _, n := range s.networks {
		n.Close()
	}
	if s.device != nil {
		s.device.Close()
	}
}

func (s *server) serve(ctx context.Context, lines <-chan []byte, open func(context.Context, DeviceOptions) (Device, error)) error {
	next := func() (line []byte, err error) {
		select {
		case line = <-lines:
			return line, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	line, err := next()
	if err != nil {
		return err
	}
	var hello deviceHello
	var p Provenance
	if err = strictJSON(line, &hello); err != nil || hello.Protocol != deviceProtocol || hello.Program != version.Text() {
		err = otherVersion(remoteText(hello.Program))
	} else if s.device, err = open(ctx, hello.Options); err == nil {
		p = s.device.Provenance()
	}
	if answered := s.reply(deviceReply{Protocol: deviceProtocol, Program: version.Text(), Provenance: &p}, err); err != nil || answered != nil {
		return errors.Join(err, answered)
	}
	for {
		line, err := next()
		if err != nil {
			return err
		}
		var q deviceRequest
		if err := strictJSON(line, &q); err != nil {
			return s.reply(deviceReply{Number: q.Number}, fmt.Errorf("%w: %w", ErrProtocol, err))
		}
		if q.Do == doClose {
			if n := s.networks[q.Network]; n != nil {
				n.Close()
				delete(s.networks, q.Network)
			}
			continue
		}
		answer, err := s.answer(ctx, q)
		answer.Number = q.Number
		if err := s.reply(answer, err); err != nil {
			return err
		}
	}
}

// reply writes a reply, or the error in its place.
func (s *server) reply(r deviceReply, err error) error {
	if err != nil {
		r = deviceReply{Number: r.Number, Error: err.Error(), Protocol: r.Protocol, Program: r.Program}
		for _, k := range slices.Backward(errorKinds) {
			if errors.Is(err, k.err) {
				r.Kind = k.name
			}
		}
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(line) >= maxReplyBytes {
		return s.reply(deviceReply{Number: r.Number}, fmt.Errorf("%w: it has %d bytes: expected less than %d", ErrTrace, len(line), maxReplyBytes))
	}
	_, err = s.out.Write(append(line, '\n'))
	return err
}

// answer does what a request asks for.
func (s *server) answer(ctx context.Context, q deviceRequest) (deviceReply, error) {
	var r deviceReply
	switch q.Do {
	case doOpen, doOpenTraced:
		return r, s.open(ctx, q)
	case doTurns:
		if len(q.Turns) > maxTurns {
			return r, fmt.Errorf("%d turns: expected at most %d", len(q.Turns), maxTurns)
		}
		var turns []turn
		for _, t := range q.Turns {
			n := s.networks[t.Network]
			if n == nil || t.Runs < usualRuns || t.Runs > maxTurnRuns {
				return r, fmt.Errorf("%d runs of network %d: expected up to %d of one that is open", t.Runs, t.Network, maxTurnRuns)
			}
			turns = append(turns, turn{n, t.WarmUp, t.Runs})
		}
		begun := time.Now()
		var err error
		r.Taken, err = takeTurns(ctx, s.device, turns, func() time.Time { return time.UnixMicro(time.Since(begun).Microseconds()) })
		return r, err
	case doTrace:
		n := s.networks[q.Network]
		if n == nil {
			return r, fmt.Errorf("%w: network %d is not open", ErrTrace, q.Network)
		}
		traced, ok := n.OpenNetwork.(TracedNetwork)
		if !ok {
			return r, fmt.Errorf("%w: network %d is not traced", ErrTrace, q.Network)
		}
		trace, err := traced.Trace()
		r.Trace = &trace
		return r, err
	}
	return r, fmt.Errorf("%w: request %q", ErrProtocol, q.Do)
}

// open opens a network under the number of the request.
func (s *server) open(ctx context.Context, q deviceRequest) error {
	if len(s.networks) >= maxServed || s.networks[q.Number] != nil {
		return fmt.Errorf("network %d beside %d open ones: expected a new number and at most %d", q.Number, len(s.networks), maxServed)
	}
	if q.ImageSize < 1 || q.ImageSize > model.MaxImageSize {
		return fmt.Errorf("images of %d pixels: expected 1 to %d", q.ImageSize, model.MaxImageSize)
	}
	arch, err := model.ParseArchitecture(q.Architecture)
	if err != nil {
		return err
	}
	n := &session{}
	if q.Do == doOpen {
		n.OpenNetwork, err = s.device.Open(ctx, arch, q.ImageSize)
	} else if tracer, ok := s.device.(Tracer); ok {
		n.OpenNetwork, err = tracer.OpenTraced(ctx, arch, q.ImageSize)
	} else {
		err = ErrNoTrace
	}
	if err == nil {
		s.networks[q.Number] = n
	}
	return err
}

// LockDevice takes the lock of this machine as a device of others, which the
// process holds until it ends: measurements at once would disturb each other. It is
// a name in the system's memory, of the machine for all its users whose folder of
// temporary files is the same. Errors wrap [ErrDeviceInUse].
func LockDevice() error {
	lock, err := net.Listen("unix", "@"+filepath.Join(os.TempDir(), "binas-tui-device"))
	if err != nil {
		return fmt.Errorf("%w: another user or program measures on it: wait until that ends", ErrDeviceInUse)
	}
	deviceLocks = append(deviceLocks, lock)
	return nil
}

// deviceLocks keeps what is locked: a listener that nothing refers to is closed
// when memory is collected.
var deviceLocks []net.Listener
