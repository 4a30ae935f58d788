package latency_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/devicetest"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// link is one end of a connection within the process.
type link struct {
	io.Reader
	io.WriteCloser
}

var errLost = errors.New("lost")

func (link) Lost() error { return errLost }

// served is a remote device that is the given one, and what ends the serving end
// returns.
func served(t testing.TB, d latency.Device) (latency.Link, chan error) {
	t.Helper()
	requests, asks := io.Pipe()
	answers, replies := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- latency.Serve(context.Background(), requests, replies, func(context.Context, latency.DeviceOptions) (latency.Device, error) {
			if d == nil {
				return nil, fmt.Errorf("no\x1b[31m device: %w", latency.ErrDeviceInUse)
			}
			return d, nil
		})
		replies.Close()
		requests.Close()
	}()
	return link{answers, asks}, ended
}

func remote(t testing.TB, d latency.Device) (*latency.Remote, chan error) {
	t.Helper()
	l, ended := served(t, d)
	r, err := latency.NewRemote(t.Context(), l, latency.DeviceOptions{Host: "pi"})
	if err != nil {
		t.Fatal(err)
	}
	return r, ended
}

func space32(t testing.TB) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A table measured over a connection is that measured here, but for the host; all
// networks are closed there, and the serving end ends with the connection.
func TestRemoteMeasuresAsHere(t *testing.T) {
	s := space32(t)
	there, here := devicetest.New(s, 1), devicetest.New(s, 1)
	r, ended := remote(t, there)
	o := latency.MeasureOptions{Networks: latency.LeastNetworks, Seed: 1, Device: r}
	got, err := latency.Measure(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Device = here
	want, err := latency.Measure(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Provenance.Host != "pi" {
		t.Errorf("%+v", got.Provenance)
	}
	got.Provenance.Host, got.Provenance.Date = "", want.Provenance.Date
	if !reflect.DeepEqual(got, want) {
		t.Errorf("measured %+v\nhere %+v", got, want)
	}
	r.Close()
	if err := <-ended; err != nil || there.Opened == 0 || there.Opened != there.Closed {
		t.Errorf("%d networks opened, %d closed, %v", there.Opened, there.Closed, err)
	}
}

// What the other end cannot do is told by kind and in text that is safe to print,
// and leaves the connection as it is.
func TestRemoteErrors(t *testing.T) {
	l, _ := served(t, nil)
	if _, err := latency.NewRemote(t.Context(), l, latency.DeviceOptions{Host: "pi"}); !errors.Is(err, latency.ErrDeviceInUse) || strings.Contains(err.Error(), "\x1b") || !strings.HasPrefix(err.Error(), "pi: no") {
		t.Errorf("%v", err)
	}
	s := space32(t)
	d := devicetest.New(s, 1)
	d.Untraced = true
	r, _ := remote(t, d)
	defer r.Close()
	arch := s.Architecture(latency.ReferenceNetwork(s))
	if _, err := r.OpenTraced(t.Context(), arch, 32); !errors.Is(err, latency.ErrNoTrace) {
		t.Errorf("%v", err)
	}
	other, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k3_s2_e3_c24_nre_se0.25'], ['cn_r1_k1_s1_c64']]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(t.Context(), other, 32); err == nil {
		t.Error("a network of another space was opened")
	}
	n, err := r.Open(t.Context(), arch, 32)
	if err != nil {
		t.Fatal(err)
	}
	if took, err := n.Run(t.Context(), 3); err != nil || len(took) != 3 {
		t.Errorf("%v, %v", took, err)
	}
	n.Close()
	if _, err := n.Run(t.Context(), 3); err == nil {
		t.Error("a closed network ran")
	}
	r.Close()
	if _, err := r.Open(t.Context(), arch, 32); !errors.Is(err, errLost) {
		t.Errorf("closed: %v", err)
	}
}

// A context that ends stops what runs at the other end.
func TestRemoteIsCancelled(t *testing.T) {
	s := space32(t)
	timetest.Within(t, time.Second, func(asked func()) {
		d := devicetest.New(s, 1)
		ctx, cancel := context.WithCancel(t.Context())
		d.OnRun = func() {
			if d.Runs == 100 {
				asked()
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
		r, ended := remote(t, d)
		n, err := r.Open(ctx, s.Architecture(latency.ReferenceNetwork(s)), 32)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Run(ctx, 10000); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := <-ended; err != nil || d.Runs > 9000 || d.Closed != 1 {
			t.Errorf("%v after %d runs", err, d.Runs)
		}
	})
}

// Another version is refused by both ends, whichever is the older one.
func TestRemoteOfAnotherVersion(t *testing.T) {
	var out strings.Builder
	err := latency.Serve(t.Context(), strings.NewReader(`{"protocol":1,"program":"v0","options":{"target":"","threads":0,"batch":0,"classes":0}}`+"\n"), &out, nil)
	if !errors.Is(err, latency.ErrProtocol) || !strings.Contains(out.String(), `"kind":"protocol"`) || !strings.Contains(out.String(), `version \"v0\"`) {
		t.Errorf("%v, %s", err, out.String())
	}
	for _, reply := range []string{
		`{"number":0,"protocol":2,"program":"` + version.Text() + `","provenance":{"device":"cpu","threads":1,"batch":1,"space":"","image_size":0,"channel_multiplier":0}}`,
		`{"number":0,"protocol":1,"program":"` + version.Text() + `","provenance":{"device":"cuda","threads":1,"batch":1,"space":"","image_size":0,"channel_multiplier":0}}`,
		`{"number":0,"protocol":1,"program":"` + version.Text() + `"}`, `{"number":1}`, `welcome`, `{"number":0,"more":1}`,
	} {
		requests, asks := io.Pipe()
		go io.Copy(io.Discard, requests)
		_, err := latency.NewRemote(t.Context(), link{strings.NewReader(reply + "\n"), asks}, latency.DeviceOptions{Host: "pi"})
		if !errors.Is(err, latency.ErrProtocol) || !strings.HasPrefix(err.Error(), "pi: ") {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

// FuzzRemote has the other end say anything: what is measured then is a number, or an
// error.
func FuzzRemote(f *testing.F) {
	hello := `{"number":0,"protocol":1,"program":"` + version.Text() + `","provenance":{"device":"cpu","processor":"p","threads":1,"batch":1,"space":"","image_size":0,"channel_multiplier":0}}` + "\n"
	f.Add(hello + `{"number":1}` + "\n" + `{"number":2,"taken":[{"before":0,"warm_ms":0,"at_ms":1,"runs_ms":[1,2,3]}]}` + "\n" + `{"number":3,"trace":{"nodes":["a"],"runs_ms":[[1]]}}` + "\n")
	f.Add(hello + `{"number":1}` + "\n" + `{"number":2,"taken":[{"before":-1,"warm_ms":1e999,"at_ms":-1,"runs_ms":[]}]}` + "\n")
	f.Add(hello + `{"number":1,"error":"gone\u001b[2J","kind":"trace"}` + "\n")
	s := space32(f)
	arch := s.Architecture(latency.ReferenceNetwork(s))
	f.Fuzz(func(t *testing.T, replies string) {
		requests, asks := io.Pipe()
		go io.Copy(io.Discard, requests)
		r, err := latency.NewRemote(t.Context(), link{strings.NewReader(replies), asks}, latency.DeviceOptions{Host: "pi"})
		if err != nil {
			return
		}
		defer r.Close()
		n, err := r.OpenTraced(t.Context(), arch, 32)
		if err != nil {
			return
		}
		took, err := n.Run(t.Context(), 3)
		for _, ms := range took {
			if err == nil && (len(took) != 3 || !(ms > 0)) {
				t.Errorf("runs took %v", took)
			}
		}
		n.Trace()
	})
}

// FuzzServe is asked anything.
func FuzzServe(f *testing.F) {
	hello := `{"protocol":1,"program":"` + version.Text() + `","options":{"target":"cpu","threads":1,"batch":1,"classes":1000}}` + "\n"
	s := space32(f)
	arch := s.Architecture(latency.ReferenceNetwork(s)).String()
	f.Add(hello + `{"number":1,"do":"open","architecture":"` + arch + `","image_size":32}` + "\n" + `{"number":2,"do":"turns","turns":[{"network":1,"warm_up":true,"runs":-1}]}` + "\n" +
		`{"number":0,"do":"ping"}` + "\n" + `{"number":0,"do":"close","network":1}` + "\n")
	f.Add(hello + `{"number":1,"do":"open-traced","architecture":"` + arch + `","image_size":32}` + "\n" + `{"number":2,"do":"trace","network":1}` + "\n" + `{"number":3,"do":"reboot"}` + "\n")
	f.Add("{}\n")
	f.Fuzz(func(t *testing.T, requests string) {
		d := devicetest.New(s, 1)
		latency.Serve(t.Context(), strings.NewReader(requests), io.Discard, func(context.Context, latency.DeviceOptions) (latency.Device, error) { return d, nil })
		if d.Opened != d.Closed {
			t.Errorf("%d networks opened, %d closed", d.Opened, d.Closed)
		}
	})
}

// The lock is held until the process ends, also where nothing else remembers it.
func TestDeviceLockOutlivesCollections(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("names of sockets in memory are Linux's")
	}
	t.Setenv("TMPDIR", t.TempDir())
	if err := latency.LockDevice(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond) // finalizers run in a goroutine of their own
	}
	if err := latency.LockDevice(); !errors.Is(err, latency.ErrDeviceInUse) {
		t.Errorf("locked twice: %v", err)
	}
}
