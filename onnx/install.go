package onnx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/binas-tui/binas-tui/internal/download"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// runtimePackage has the library of every platform, as Microsoft publishes it.
var runtimePackage = download.NPM{Name: "onnxruntime-node", Version: LibraryVersion}

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

// maxLibraryBytes bounds a library.
const maxLibraryBytes = 64 << 20

// Errors of Install.
var (
	ErrNoBuild  = errors.New("there is no ONNX Runtime build for this platform")
	ErrChecksum = errors.New("checksum differs")
)

// Install downloads ONNX Runtime [LibraryVersion] from the npm registry and
// puts it where [Find] looks, at [InstallPath]. Of the package, about 100 MB,
// only the one library is kept, and only if its SHA-256 is the one built in;
// the file appears whole or not at all. A library that is there already and has
// the right checksum is left alone. Which registry is asked and how says
// [download.NPM.Read]. progress may be nil. A build that can use no library downloads none.
func Install(ctx context.Context, progress download.Progress) (Library, error) {
	if !CanRun() {
		return Library{}, ErrNoCgo
	}
	return InstallFor(ctx, platform, progress)
}

// platform is that of this program.
const platform = runtime.GOOS + "/" + runtime.GOARCH

// InstallFor is Install of the library of another platform, such as linux/arm64, at
// [InstallPathFor], for machines that this one measures on.
func InstallFor(ctx context.Context, platform string, progress download.Progress) (Library, error) {
	want, ok := libraries[platform]
	if !ok {
		return Library{}, fmt.Errorf("install: %w: %s", ErrNoBuild, platform)
	}
	return install(ctx, want, InstallPathFor(platform), progress)
}

func install(ctx context.Context, want packaged, path string, progress download.Progress) (Library, error) {
	lib := Library{Path: path, Place: "user data"}
	if checkSum(path, want.sha256) == nil {
		return lib, nil
	}
	if err := safefile.MkdirAll(filepath.Dir(path)); err != nil {
		return Library{}, fmt.Errorf("install: %w", err)
	}
	found := false
	err := runtimePackage.Read(ctx, progress, func(name string, size int64, content io.Reader) (done bool, err error) {
		if !strings.HasSuffix(name, "/"+want.path) {
			return false, nil
		}
		if found = true; size > maxLibraryBytes {
			return false, fmt.Errorf("package: %s has %d bytes: expected at most %d", name, size, maxLibraryBytes)
		}
		return true, writeChecked(content, want.sha256, path)
	})
	if err == nil && !found {
		err = fmt.Errorf("package: no file bin/napi-*/%s in it", want.path)
	}
	if err != nil {
		return Library{}, fmt.Errorf("install ONNX Runtime %s: %w", LibraryVersion, err)
	}
	return lib, nil
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
