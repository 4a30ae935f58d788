package onnx

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/binas-tui/binas-tui/internal/download"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// wheel is a Python package that has the library with its CUDA provider, which is
// no part of Python: of it the libraries alone are kept.
type wheel struct {
	file, sha256 string
	needs        []string       // libraries of CUDA and cuDNN
	libraries    []wheelLibrary // the one that is looked for comes last: where it is, all are
}

// wheelLibrary is a member of a wheel and the file that it becomes.
type wheelLibrary struct{ member, file, sha256 string }

const (
	wheelProject = "onnxruntime-gpu"
	defaultIndex = "https://pypi.org/simple"
	cudaPlatform = "linux/amd64"

	cudaProvider   = "libonnxruntime_providers_cuda.so"
	sharedProvider = "libonnxruntime_providers_shared.so" // it loads the other
)

// cudaWheel is that of LibraryVersion, for CUDA 13 and cuDNN 9.
var cudaWheel = wheel{
	"onnxruntime_gpu-1.27.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
	"b2b8d6afabf3c23c2c698639a16388816dc7298f388a9ddddf504b283990ea01",
	[]string{"libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10", "libcufft.so.12", "libcudart.so.13", "libnvrtc.so.13", "libcudnn.so.9"},
	[]wheelLibrary{
		{"onnxruntime/capi/" + sharedProvider, sharedProvider, "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d"},
		{"onnxruntime/capi/" + cudaProvider, cudaProvider, "9aacf1788ceae09ca362cbf9bb3c1d69c94cec86e24310de7ad14e6b05b5bb5d"},
		{"onnxruntime/capi/libonnxruntime.so." + LibraryVersion, "libonnxruntime.so.1", "184096f611d6cfff75f5d4cbaf01f76d736ab10d408d335fca0c85e5a79018db"},
	},
}

// Bounds of what InstallCUDA reads.
const (
	maxIndexBytes       = 32 << 20
	maxWheelBytes       = 1 << 30
	maxCUDALibraryBytes = 1 << 30
)

// CUDAInstallPath is where [InstallCUDA] puts the library: in the folder cuda beside
// the processor's at [InstallPath].
func CUDAInstallPath() string {
	return filepath.Join(filepath.Dir(InstallPath()), "cuda", cudaWheel.libraries[len(cudaWheel.libraries)-1].file)
}

// InstallCUDA is [Install] of the library with the CUDA provider, for linux/amd64:
// from the Python package onnxruntime-gpu, about 220 MB, whose SHA-256 is built in;
// 275 MB of it are kept at [CUDAInstallPath], beside the processor's library. The
// index is that of PIP_INDEX_URL, else pypi.org. CUDA and cuDNN are not in it: see
// [CUDA].
func InstallCUDA(ctx context.Context, progress download.Progress) (Library, error) {
	if !CanRun() {
		return Library{}, ErrNoCgo
	}
	return InstallCUDAFor(ctx, platform, progress)
}

// InstallCUDAFor is InstallCUDA for another machine of a platform that this one
// measures on.
func InstallCUDAFor(ctx context.Context, platform string, progress download.Progress) (Library, error) {
	if platform != cudaPlatform {
		return Library{}, fmt.Errorf("install: %w with CUDA: %s; there is one for %s", ErrNoBuild, platform, cudaPlatform)
	}
	index := os.Getenv("PIP_INDEX_URL")
	if index == "" {
		index = defaultIndex
	}
	lib := Library{Path: CUDAInstallPath(), Place: "user data"}
	if err := cudaWheel.install(ctx, index, filepath.Dir(lib.Path), progress); err != nil {
		return Library{}, fmt.Errorf("install ONNX Runtime %s with CUDA: %w", LibraryVersion, err)
	}
	return lib, nil
}

// sum is the SHA-256 of a library, "" where it is none of the package.
func (w wheel) sum(file string) string {
	for _, l := range w.libraries {
		if l.file == file {
			return l.sha256
		}
	}
	return ""
}

// install puts the libraries into a folder, where they are not there already. The
// package is kept in it until they are, so that it is not fetched again where that
// was cut off.
func (w wheel) install(ctx context.Context, index, folder string, progress download.Progress) error {
	if w.check(folder) == nil {
		return nil
	}
	if err := safefile.MkdirAll(folder); err != nil {
		return err
	}
	release, err := safefile.Lock(filepath.Join(folder, "install.lock"))
	if err != nil {
		return err
	}
	defer release()
	safefile.Sweep(folder)
	file := filepath.Join(folder, w.file)
	if checkSum(file, w.sha256) != nil {
		if err := w.fetch(ctx, index, file, progress); err != nil {
			return err
		}
	}
	err = w.extract(ctx, file, folder)
	if err == nil || errors.Is(err, zip.ErrFormat) {
		os.Remove(file)
	}
	return err
}

// check compares the libraries of a folder with their check sums.
func (w wheel) check(folder string) error {
	for _, l := range w.libraries {
		if err := checkSum(filepath.Join(folder, l.file), l.sha256); err != nil {
			return fmt.Errorf("%s: %w", l.file, err)
		}
	}
	return nil
}

// fetch downloads the package.
func (w wheel) fetch(ctx context.Context, index, file string, progress download.Progress) error {
	address, err := w.address(ctx, index)
	if err != nil {
		return err
	}
	return download.Get(ctx, address, progress, func(_ *url.URL, body io.Reader) error {
		return writeChecked(io.LimitReader(body, maxWheelBytes), w.sha256, file)
	})
}

// address is where an index says that the package is: its page of the project has
// links to all of them, in HTML or in JSON.
func (w wheel) address(ctx context.Context, index string) (address string, err error) {
	page, err := url.JoinPath(index, wheelProject, "/")
	if err != nil {
		return "", fmt.Errorf("index %s: %w", index, err)
	}
	link := regexp.MustCompile(`"([^"#]*/` + regexp.QuoteMeta(w.file) + `)[#"]`)
	err = download.Get(ctx, page, nil, func(from *url.URL, body io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(body, maxIndexBytes))
		if err != nil {
			return err
		}
		found := link.FindSubmatch(text)
		if found == nil {
			return fmt.Errorf("%s has no %s", from.Redacted(), w.file)
		}
		to, err := from.Parse(strings.ReplaceAll(string(found[1]), "&amp;", "&"))
		if err == nil {
			address = to.String()
		}
		return err
	})
	return address, err
}

// extract takes the libraries out of the package.
func (w wheel) extract(ctx context.Context, file, folder string) error {
	f, err := safefile.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", w.file, err)
	}
	for _, l := range w.libraries {
		if err := ctx.Err(); err != nil {
			return err
		}
		member, err := archive.Open(l.member)
		if err != nil {
			return fmt.Errorf("%s: %w", w.file, err)
		}
		err = writeChecked(io.LimitReader(member, maxCUDALibraryBytes), l.sha256, filepath.Join(folder, l.file))
		member.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
