package onnx

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/cuda"
)

// wheelServer is an index in HTML, or in JSON, and the packages that it has.
func wheelServer(t *testing.T, w wheel, content []byte, json bool) (index string, fetched *int) {
	t.Helper()
	fetched = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/simple/onnxruntime-gpu/":
			if json {
				fmt.Fprintf(out, `{"files":[{"filename":"%s","url":"http://%s/files/%s","size":1}]}`, w.file, r.Host, w.file)
				return
			}
			fmt.Fprintf(out, `<a href="../../files/other.whl#sha256=1">other.whl</a><a href="../../files/%s#sha256=%s">%s</a>`, w.file, w.sha256, w.file)
		case "/files/" + w.file:
			*fetched++
			out.Write(content)
		default:
			http.NotFound(out, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/simple", fetched
}

// testWheel is a package whose libraries have the given content, by member.
func testWheel(t *testing.T, content map[string]string) (wheel, []byte) {
	t.Helper()
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w := wheel{file: "onnxruntime_gpu-1-cp312.whl"}
	for _, member := range []string{"capi/shared.so", "capi/cuda.so", "capi/main.so"} {
		text, ok := content[member]
		if ok {
			f, err := z.Create(member)
			if err != nil {
				t.Fatal(err)
			}
			f.Write([]byte(text))
		}
		w.libraries = append(w.libraries, wheelLibrary{member, filepath.Base(member), sum([]byte(text))})
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w.sha256 = sum(b.Bytes())
	return w, b.Bytes()
}

var wheelContent = map[string]string{"capi/shared.so": "shared", "capi/cuda.so": strings.Repeat("cuda ", 1e5), "capi/main.so": "main"}

func entries(t *testing.T, folder string) (names []string) {
	t.Helper()
	list, _ := os.ReadDir(folder)
	for _, e := range list {
		if e.Name() != "install.lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestInstallWheel(t *testing.T) {
	nothing := func(int64, int64) {}
	for _, json := range []bool{false, true} {
		w, content := testWheel(t, wheelContent)
		index, fetched := wheelServer(t, w, content, json)
		folder := filepath.Join(t.TempDir(), "cuda")
		var done int64
		for range 2 { // the second time it is there
			if err := w.install(t.Context(), index+"/", folder, func(d, _ int64) { done = d }); err != nil {
				t.Fatal(err)
			}
		}
		if *fetched != 1 || done < int64(len(content)) {
			t.Errorf("fetched %d times, %d of %d bytes", *fetched, done, len(content))
		}
		if err := w.check(folder); err != nil || len(entries(t, folder)) != 3 {
			t.Errorf("%v: %v", entries(t, folder), err)
		}
		// A library that was changed is put there anew; a package that is there whole
		// is not fetched again.
		for name, data := range map[string][]byte{"cuda.so": []byte("changed"), w.file: content} {
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.install(t.Context(), index, folder, nothing); err != nil || *fetched != 1 || w.check(folder) != nil {
			t.Errorf("again: fetched %d times, %v, %v", *fetched, err, w.check(folder))
		}
	}
}

func TestInstallWheelRefuses(t *testing.T) {
	w, content := testWheel(t, wheelContent)
	lacking, lackingContent := testWheel(t, map[string]string{"capi/shared.so": "shared"})
	tampered := w
	tampered.libraries = append([]wheelLibrary{}, w.libraries...)
	tampered.libraries[1].sha256 = strings.Repeat("0", 64)
	noZip := w
	sum := sha256.Sum256([]byte("no zip"))
	noZip.sha256 = hex.EncodeToString(sum[:])
	unlisted := w
	unlisted.file = "another.whl"
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		serve   wheel
		content []byte
		want    wheel
		text    string
		is      error
	}{
		"other bytes":      {t.Context(), w, []byte("other"), w, "SHA-256", ErrChecksum},
		"other library":    {t.Context(), w, content, tampered, "SHA-256", ErrChecksum},
		"no such library":  {t.Context(), lacking, lackingContent, lacking, "capi/cuda.so", nil},
		"no zip":           {t.Context(), noZip, []byte("no zip"), noZip, "not a valid zip", nil},
		"not in the index": {t.Context(), w, content, unlisted, "has no another.whl", nil},
		"cancelled":        {cancelled, w, content, w, "", context.Canceled},
	} {
		index, _ := wheelServer(t, c.serve, c.content, false)
		folder := filepath.Join(t.TempDir(), "cuda")
		err := c.want.install(c.ctx, index, folder, func(int64, int64) {})
		if err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
		}
		for _, left := range entries(t, folder) {
			if left == "main.so" || strings.HasSuffix(left, ".tmp") {
				t.Errorf("%s: %s is there", name, left)
			}
		}
	}
	if err := w.install(t.Context(), "http://127.0.0.1:1/simple", filepath.Join(t.TempDir(), "cuda"), func(int64, int64) {}); err == nil {
		t.Error("no server")
	}
}

// The library with the CUDA provider lies beside the processor's, and each is found
// for what it is for.
func TestFindForCUDA(t *testing.T) {
	if CUDAInstallPath() == InstallPath() {
		t.Fatal("one place for both")
	}
	emptyMachine(t)
	if lib, _, err := locate("", "cuda:1"); err == nil {
		t.Skipf("this machine has %s", lib.Path)
	} else if !errors.Is(err, ErrNoLibrary) || !errors.Is(err, ErrNoCUDALibrary) || !strings.Contains(err.Error(), "with a CUDA provider") {
		t.Errorf("nothing there: %v", err)
	}
	touch(t, InstallPath())
	if lib, _, err := locate("", CUDA); err == nil {
		t.Errorf("the processor's library for CUDA: %+v", lib)
	}
	touch(t, CUDAInstallPath())
	touch(t, filepath.Join(filepath.Dir(CUDAInstallPath()), cudaProvider))
	for target, want := range map[Target]string{CPU: InstallPath(), CUDA: CUDAInstallPath(), "cuda:1": CUDAInstallPath(), XNNPACK: InstallPath()} {
		if lib, _, err := locate("", target); err != nil || lib.Path != want {
			t.Errorf("%s: %+v, %v", target, lib, err)
		}
	}
	mine := filepath.Join(t.TempDir(), "mine.so")
	touch(t, mine)
	if lib, _, err := locate(mine, CUDA); err != nil || lib.Path != mine {
		t.Errorf("one that was named: %+v, %v", lib, err)
	}
	if _, err := (Library{Path: mine}).CUDA(t.Context()); !errors.Is(err, ErrTargetUnavailable) || !strings.Contains(err.Error(), "no CUDA provider beside it") {
		t.Errorf("a library without the provider: %v", err)
	}
	touch(t, filepath.Join(filepath.Dir(mine), cudaProvider))
	if _, err := (Library{Path: mine}).CUDA(t.Context()); !errors.Is(err, ErrTargetUnavailable) || !errors.Is(err, cuda.ErrLibraries) {
		t.Errorf("a provider that is no library: %v", err)
	}
}

func TestParseTarget(t *testing.T) {
	for name, want := range map[string]Target{"": CPU, "cpu": CPU, "cuda": CUDA, "cuda:0": CUDA, "cuda:1": "cuda:1", "cuda:01": "cuda:1", "tensorrt:255": "tensorrt:255", "webgpu": WebGPU} {
		if got, err := ParseTarget(name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"quantum", "cuda:", "cuda:-1", "cuda:256", "cuda:x", "cuda:1:2", "cpu:0", "xnnpack:1", "CUDA", ":1"} {
		if got, err := ParseTarget(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if Target("cuda:3").Kind() != CUDA || !Target("cuda:3").Async() || CPU.Async() || XNNPACK.Async() {
		t.Error("kinds of targets")
	}
}

// What is in the way of a card is said, the most fundamental first.
func TestCUDACheck(t *testing.T) {
	cards := []cuda.Card{{Name: "Card A", Bytes: 8 << 30}, {Name: "Card B", Bytes: 16 << 30}}
	needs := CUDANeeds{Version: 13, Driver: cuda.Driver{Version: 13000, Cards: cards},
		Libraries: []cuda.Library{{Name: "libcudart.so.13"}, {Name: "libcudnn.so.9"}}}
	if err := needs.Check(1); err != nil {
		t.Error(err)
	}
	if text := needs.Text(); text != "CUDA 13 and cuDNN 9" {
		t.Error(text)
	}
	old, none, without := needs, needs, needs
	old.Driver.Version, none.Driver.Cards = 12040, nil
	without.DriverErr = cuda.ErrNoDriver
	for want, err := range map[string]error{
		"no card 2: found cuda (Card A, 8192 MiB), cuda:1 (Card B, 16384 MiB)": needs.Check(2),
		"the driver runs CUDA up to 12.4, and this ONNX Runtime needs CUDA 13": old.Check(0),
		"the driver finds no card": none.Check(0),
		"no NVIDIA driver":         without.Check(0),
	} {
		if !errors.Is(err, ErrTargetUnavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// What ONNX Runtime says of a card is told in words that help; of the processor it
// stays as it is.
func TestDeviceErrors(t *testing.T) {
	for text, want := range map[string]error{
		"Non-zero status code returned while running Conv node. Name:'blocks.1.0.conv_pw' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 " +
			"void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 1073741824\n": ErrDeviceMemory,
		"CUDA failure 2: out of memory ; GPU=0 ; hostname=box ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_allocator.cc ; line=45 ; expr=cudaMalloc((void**)&p, size);": ErrDeviceMemory,
		"CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=box":                                                                         ErrDeviceMemory,
		"This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.": ErrTargetUnavailable,
		"Error running network: Non-zero status code returned while running Conv node. Name:'conv_stem' Status Message: CUDNN failure 3000: CUDNN_STATUS_NOT_SUPPORTED ; GPU=0 ; hostname=vm ; " +
			"file=/onnxruntime_src/onnxruntime/core/providers/cuda/cudnn_common.cc ; line=82 ; expr=cudnnSetTensorNdDescriptor(tensor_, dataType, static_cast<int>(rank), dims.data(), strides.data());": ErrTensorSize,
		"something else": nil,
	} {
		err := deviceError("cuda:1", errors.New(text))
		if want != nil && (!errors.Is(err, want) || !strings.Contains(err.Error(), "cuda:1")) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s: %v", text, err)
		}
		for _, on := range []Target{"", CPU} {
			if err := deviceError(on, errors.New(text)); err.Error() != text {
				t.Errorf("on the processor: %v", err)
			}
		}
	}
	large := deviceError(CUDA, errors.New("Name:'conv_stem' CUDNN_STATUS_NOT_SUPPORTED ; file=/onnxruntime_src/cudnn_common.cc ; expr=cudnnSetTensorNdDescriptor(tensor_)"))
	if want := "a tensor is larger than the device takes: cuda: cuDNN computes at most 2^31 - 1 values at once: a smaller batch or smaller images (conv_stem: CUDNN_STATUS_NOT_SUPPORTED)"; large.Error() != want {
		t.Errorf("%v: expected %s", large, want)
	}
	const said = "/onnxruntime_src/onnxruntime/core/a.cc:65 void f(const X&) a == b was false. No adapter\ntrace"
	if line := firstLine(errors.New("webgpu: " + said)); line != "webgpu: No adapter" {
		t.Error(line)
	}
}
