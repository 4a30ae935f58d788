package onnx

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Microsoft publishes the library of every platform in one npm package.
const (
	npmPackage      = "onnxruntime-node"
	defaultRegistry = "https://registry.npmjs.org"
)

// packaged says where in the npm package a platform's library is, and what its
// content must be.
type packaged struct{ path, sha256 string }

var libraries = map[string]packaged{
	"linux/amd64":   {"linux/x64/libonnxruntime.so.1", "d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221"},
	"linux/arm64":   {"linux/arm64/libonnxruntime.so.1", "c36bc200e7e6c093b8abb0b34590fbdd8c52fd3fb5e33795b9523ffdde2fce0f"},
	"darwin/arm64":  {"darwin/arm64/libonnxruntime.1.dylib", "89f692a3a1a224e4ad0b796b0e7c0bd81113b0741bfe84211eceef14d05a9e59"},
	"windows/amd64": {"win32/x64/onnxruntime.dll", "273f9ef9cf755c6a0f342226a80448156c10ceb74db2ae8c8370dc98e75af0eb"},
	"windows/arm64": {"win32/arm64/onnxruntime.dll", "908ce63e73f375e90daabe24c52486b42392c19df3d63973a26f871cfeab5453"},
}

// Bounds of what Install reads.
const (
	maxLibraryBytes = 64 << 20
	maxPackageBytes = 512 << 20 // unpacked
)

// Errors of Install.
var (
	ErrNoBuild  = errors.New("there is no ONNX Runtime build for this platform")
	ErrChecksum = errors.New("checksum differs")
	ErrStalled  = errors.New("the download was given up")
)

// How long Install waits: for the next bytes of the registry, and for npm to
// fetch all of the package. Tests shorten the first.
var (
	stallTime = time.Minute
	packTime  = 15 * time.Minute
)

// Progress is told how many bytes of the download have arrived; total is 0
// where it is not known.
type Progress func(done, total int64)

// Install downloads ONNX Runtime [LibraryVersion] from the npm registry and
// puts it where [Find] looks, at [InstallPath]. Of the package, about 100 MB,
// only the one library is kept, and only if its SHA-256 is the one built in;
// the file appears whole or not at all. A library that is there already and has
// the right checksum is left alone.
//
// The registry is that of npm_config_registry, else of `npm config get
// registry` where npm is installed, else registry.npmjs.org. Where a plain
// request fails and npm is installed, `npm pack` is tried, which knows about
// logins. A registry that sends nothing for a minute is given up, as is npm after
// 15 minutes. progress may be nil. A build that can use no library downloads none.
func Install(ctx context.Context, progress Progress) (Library, error) {
	if !CanRun() {
		return Library{}, ErrNoCgo
	}
	return InstallFor(ctx, platform, progress)
}

// platform is that of this program.
const platform = runtime.GOOS + "/" + runtime.GOARCH

// InstallFor is Install of the library of another platform, such as linux/arm64, at
// [InstallPathFor], for machines that this one measures on.
func InstallFor(ctx context.Context, platform string, progress Progress) (Library, error) {
	want, ok := libraries[platform]
	if !ok {
		return Library{}, fmt.Errorf("install: %w: %s", ErrNoBuild, platform)
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return install(ctx, registry(ctx), want, InstallPathFor(platform), progress)
}

func install(ctx context.Context, registry string, want packaged, path string, progress Progress) (Library, error) {
	lib := Library{Path: path, Place: "user data"}
	if checkSum(path, want.sha256) == nil {
		return lib, nil
	}
	if err := safefile.MkdirAll(filepath.Dir(path)); err != nil {
		return Library{}, fmt.Errorf("install: %w", err)
	}
	err := installFromRegistry(ctx, registry, want, path, progress)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrStalled) && hasNPM() {
		if packErr := installFromPack(ctx, want, path); packErr == nil {
			err = nil
		} else {
			err = fmt.Errorf("%w; npm pack: %w", err, packErr)
		}
	}
	if err != nil {
		return Library{}, fmt.Errorf("install ONNX Runtime %s: %w", LibraryVersion, err)
	}
	return lib, nil
}

// installFromRegistry streams the package over HTTP and stops at the library.
func installFromRegistry(ctx context.Context, registry string, want packaged, path string, progress Progress) (err error) {
	address, err := url.JoinPath(registry, npmPackage, "-", npmPackage+"-"+LibraryVersion+".tgz")
	if err != nil {
		return fmt.Errorf("registry %s: %w", registry, err)
	}
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
		return fmt.Errorf("registry %s: %w", registry, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", request.URL.Redacted(), response.Status)
	}
	body := &progressReader{r: response.Body, total: max(0, response.ContentLength), report: func(done, total int64) {
		stalled.Reset(stall)
		progress(done, total)
	}}
	return extract(body, want, path)
}

// installFromPack lets npm fetch the package.
func installFromPack(ctx context.Context, want packaged, path string) error {
	folder, err := os.MkdirTemp("", "binas-tui-onnxruntime-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithTimeoutCause(ctx, packTime, fmt.Errorf("%w: not done after %s", ErrStalled, packTime))
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--silent", npmPackage+"@"+LibraryVersion)
	cmd.Dir, cmd.WaitDelay = folder, time.Second // its children may hold the output open
	if out, err := cmd.CombinedOutput(); ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
			return fmt.Errorf("%w: %s", err, line)
		}
		return err
	}
	f, err := safefile.Open(filepath.Join(folder, npmPackage+"-"+LibraryVersion+".tgz"))
	if err != nil {
		return err
	}
	defer f.Close()
	return extract(f, want, path)
}

// extract copies one library out of a package into path, through a temporary
// file beside it.
func extract(tarball io.Reader, want packaged, path string) error {
	unzipped, err := gzip.NewReader(tarball)
	if err != nil {
		return fmt.Errorf("package: %w", err)
	}
	archive := tar.NewReader(io.LimitReader(unzipped, maxPackageBytes))
	for {
		entry, err := archive.Next()
		if err == io.EOF {
			return fmt.Errorf("package: no file bin/napi-*/%s in it", want.path)
		}
		if err != nil {
			return fmt.Errorf("package: %w", err)
		}
		if entry.Typeflag != tar.TypeReg || !strings.HasSuffix(entry.Name, "/"+want.path) {
			continue
		}
		if entry.Size > maxLibraryBytes {
			return fmt.Errorf("package: %s has %d bytes: expected at most %d", entry.Name, entry.Size, maxLibraryBytes)
		}
		return writeChecked(archive, want.sha256, path)
	}
}

func writeChecked(r io.Reader, sum, path string) error {
	return safefile.Replace(path, true, func(w io.Writer) error {
		hash := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, hash), r); err != nil {
			return err
		}
		return compareSum(hash, sum)
	})
}

// checkSum compares the SHA-256 of a file, 20 ms or so for a library.
func checkSum(path, sum string) error {
	f, err := safefile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	return compareSum(hash, sum)
}

func compareSum(have hash.Hash, want string) error {
	if have := hex.EncodeToString(have.Sum(nil)); have != want {
		return fmt.Errorf("%w: the library's SHA-256 is %s: expected %s", ErrChecksum, have, want)
	}
	return nil
}

// registry is the npm registry in use on this machine.
func registry(ctx context.Context) string {
	for _, name := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	if hasNPM() {
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

func hasNPM() bool {
	_, err := exec.LookPath("npm")
	return err == nil
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
