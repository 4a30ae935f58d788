// Package download reads what is on other machines, as it arrives: files at an
// address, and packages of the npm registry, without running anything of them.
package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Errors of downloads.
var (
	// ErrStalled says that a download stopped arriving.
	ErrStalled = errors.New("the download was given up")
	// ErrRedirect says that an address leads to what is not on the network.
	ErrRedirect = errors.New("expected an address of http or https")
)

// client follows redirections to such addresses.
var client = &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
	if s := r.URL.Scheme; s != "http" && s != "https" {
		return fmt.Errorf("it leads to %s: %w", r.URL.Redacted(), ErrRedirect)
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirections", maxRedirects)
	}
	return nil
}}

const maxRedirects = 10

// stallTime is how long the next bytes may take; tests shorten it.
var stallTime = time.Minute

// Progress is told how many bytes of a download have arrived; total is 0
// where it is not known. It may be nil.
type Progress func(done, total int64)

// Get has use read what is at an address, as it arrives; from is where redirections
// led to. Where nothing arrives for a minute it is given up with [ErrStalled].
func Get(ctx context.Context, address string, progress Progress, use func(from *url.URL, body io.Reader) error) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := stallTime
	stalled := time.AfterFunc(stall, func() { cancel(fmt.Errorf("%w: nothing arrived for %s", ErrStalled, stall)) })
	defer stalled.Stop()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("address %s: %w", address, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", request.URL.Redacted(), response.Status)
	}
	return use(response.Request.URL, &progressReader{r: response.Body, total: max(0, response.ContentLength), report: func(done, total int64) {
		stalled.Reset(stall)
		if progress != nil {
			progress(done, total)
		}
	}})
}

// progressReader reports what passes through it.
type progressReader struct {
	r           io.Reader
	done, total int64
	report      Progress
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	p.report(p.done, p.total)
	return n, err
}
