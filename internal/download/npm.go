package download

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// NPM is a package of the npm registry, in one version.
type NPM struct{ Name, Version string }

func (p NPM) String() string { return p.Name + "@" + p.Version }

const defaultRegistry = "https://registry.npmjs.org"

// maxUnpacked bounds a package, in bytes.
const maxUnpacked = 512 << 20

// packTime is how long npm may take to fetch a package.
const packTime = 15 * time.Minute

// Visit is given a regular file of a package, by its path in it with slashes, its
// size in bytes and its content, and says whether it wants no more files.
type Visit func(name string, size int64, content io.Reader) (done bool, err error)

// Read downloads the package and visits its files in their order; with the last one
// wanted the download ends. What is read is not compared with anything: visit has
// to. It may be given files again, from the first one.
//
// The registry is that of npm_config_registry, else of `npm config get
// registry` where npm is installed, else registry.npmjs.org. Where a plain
// request fails and npm is installed, `npm pack` is tried, which knows about
// logins, but not where the registry leads elsewhere than to the network. A registry
// that sends nothing for a minute is given up with [ErrStalled], as is npm after 15
// minutes. An error of visit is returned as it is.
func (p NPM) Read(ctx context.Context, progress Progress, visit Visit) error {
	refused := false
	guarded := func(name string, size int64, content io.Reader) (done bool, err error) {
		from := &lostReader{Reader: content}
		done, err = visit(name, size, from)
		refused = refused || err != nil && !from.lost
		return done, err
	}
	err := p.fromRegistry(ctx, progress, guarded)
	if err == nil || ctx.Err() != nil || refused || errors.Is(err, ErrStalled) || errors.Is(err, ErrRedirect) || !haveNPM() {
		return err
	}
	packErr := p.fromPack(ctx, guarded)
	if packErr == nil || refused {
		return packErr
	}
	return fmt.Errorf("%w; npm pack: %w", err, packErr)
}

// lostReader knows whether reading failed.
type lostReader struct {
	io.Reader
	lost bool
}

func (r *lostReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.lost = r.lost || err != nil && err != io.EOF
	return n, err
}

// fromRegistry streams the package over HTTP.
func (p NPM) fromRegistry(ctx context.Context, progress Progress, visit Visit) error {
	registry := registry(ctx)
	address, err := url.JoinPath(registry, p.Name, "-", path.Base(p.Name)+"-"+p.Version+".tgz")
	if err != nil {
		return fmt.Errorf("registry %s: %w", registry, err)
	}
	return Get(ctx, address, progress, func(_ *url.URL, body io.Reader) error { return visitFiles(body, visit) })
}

// fromPack lets npm fetch the package.
func (p NPM) fromPack(ctx context.Context, visit Visit) error {
	folder, err := os.MkdirTemp("", "binas-tui-npm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithTimeoutCause(ctx, packTime, fmt.Errorf("%w: not done after %s", ErrStalled, packTime))
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--silent", "--fetch-retries=1", "--fetch-retry-mintimeout=2000", p.String()) // its own ten seconds and a minute are waited in silence
	cmd.Dir, cmd.WaitDelay = folder, time.Second                                                                                                     // its children may hold the output open
	if out, err := cmd.CombinedOutput(); ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
			return fmt.Errorf("%w: %s", err, line)
		}
		return err
	}
	plain := strings.NewReplacer("@", "", "/", "-").Replace(p.Name)
	f, err := safefile.Open(filepath.Join(folder, plain+"-"+p.Version+".tgz"))
	if err != nil {
		return err
	}
	defer f.Close()
	return visitFiles(f, visit)
}

func visitFiles(tarball io.Reader, visit Visit) error {
	unzipped, err := gzip.NewReader(tarball)
	if err != nil {
		return fmt.Errorf("package: %w", err)
	}
	archive := tar.NewReader(io.LimitReader(unzipped, maxUnpacked))
	for {
		entry, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("package: %w", err)
		}
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		if done, err := visit(entry.Name, entry.Size, archive); done || err != nil {
			return err
		}
	}
}

// registry is the npm registry in use on this machine.
func registry(ctx context.Context) string {
	for _, name := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	if haveNPM() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "npm", "config", "get", "registry")
		cmd.WaitDelay = time.Second
		out, err := cmd.Output()
		if v := strings.TrimSpace(string(out)); err == nil && strings.HasPrefix(v, "http") {
			return v
		}
	}
	return defaultRegistry
}

func haveNPM() bool {
	_, err := exec.LookPath("npm")
	return err == nil
}
