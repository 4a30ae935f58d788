package onnx

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/hometest"
)

// emptyMachine hides every place a library could be in except the system's.
func emptyMachine(t *testing.T) (home string) {
	t.Helper()
	home = hometest.Own(t, "XDG_DATA_HOME")
	t.Setenv(EnvLibrary, "")
	t.Setenv("LD_LIBRARY_PATH", "")
	return home
}

// A library that is loaded stays; where another one has what is asked for, that is said
// with what to do.
func TestALoadedLibraryStays(t *testing.T) {
	emptyMachine(t)
	touch(t, CUDAInstallPath())
	touch(t, filepath.Join(filepath.Dir(CUDAInstallPath()), cudaProvider))
	touch(t, filepath.Join(filepath.Dir(CUDAInstallPath()), sharedProvider))
	before := loading.library
	defer func() { loading.library = before }()
	loading.library = Library{Path: InstallPath()}
	if lib, err := OpenFor("", CPU); err != nil || lib.Path != InstallPath() {
		t.Errorf("%+v, %v", lib, err)
	}
	if _, err := OpenFor("", "cuda:1"); !errors.Is(err, ErrTargetUnavailable) || !strings.Contains(err.Error(), "start the program again and use cuda:1 in it first, with that from "+CUDAInstallPath()) {
		t.Errorf("the processor's is loaded: %v", err)
	}
	loading.library.Path = CUDAInstallPath()
	for _, target := range []Target{CPU, CUDA} {
		if lib, err := OpenFor("", target); err != nil || lib.Path != CUDAInstallPath() {
			t.Errorf("%s: %+v, %v", target, lib, err)
		}
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFindOrder(t *testing.T) {
	emptyMachine(t)
	touch(t, InstallPath())
	lib, tried, err := locate("", CPU)
	if err != nil || lib.Path != InstallPath() || lib.Place != "user data" {
		t.Errorf("installed library: %+v, %v", lib, err)
	}
	if last := tried[len(tried)-1]; len(tried) != 4 || !last.Found || last.Path != lib.Path {
		t.Errorf("tried %+v", tried)
	}
	folder := t.TempDir()
	name := libraryNames()[0]
	touch(t, filepath.Join(folder, name))
	t.Setenv(EnvLibrary, folder)
	if lib, _, err = locate("", CPU); err != nil || lib.Path != filepath.Join(folder, name) || lib.Place != EnvLibrary {
		t.Errorf("folder in the environment: %+v, %v", lib, err)
	}
	other := filepath.Join(t.TempDir(), "mine.so")
	touch(t, other)
	if lib, _, err = locate(other, CPU); err != nil || lib.Path != other || lib.Place != "--onnxruntime" {
		t.Errorf("flag: %+v, %v", lib, err)
	}
	t.Setenv(EnvLibrary, filepath.Join(folder, "missing"))
	if _, _, err = locate("", CPU); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), EnvLibrary) {
		t.Errorf("a variable that names nothing: %v", err)
	}
}

// The system's loader looks for a bare name in its own folders, not in the
// working folder.
func TestFindGivesWholePaths(t *testing.T) {
	emptyMachine(t)
	folder := t.TempDir()
	touch(t, filepath.Join(folder, "mine.so"))
	t.Chdir(folder)
	for _, named := range []string{"mine.so", "./mine.so"} {
		lib, _, err := locate(named, CPU)
		if err != nil || !filepath.IsAbs(lib.Path) || filepath.Base(lib.Path) != "mine.so" {
			t.Errorf("%s: %+v, %v", named, lib, err)
		}
	}
}

// An empty or relative element of LD_LIBRARY_PATH is the working folder, where a
// library may lie that others put there.
func TestTheWorkingFolderIsNotSearched(t *testing.T) {
	emptyMachine(t)
	folder := t.TempDir()
	touch(t, filepath.Join(folder, libraryNames()[0]))
	touch(t, filepath.Join(folder, "sub", libraryNames()[0]))
	t.Chdir(folder)
	for _, path := range []string{":", ":/nowhere", "/nowhere:", "/nowhere::/nowhere", ".", "sub", "./sub:"} {
		t.Setenv("LD_LIBRARY_PATH", path)
		if lib, _, _ := locate("", CPU); strings.HasPrefix(lib.Path, folder) {
			t.Errorf("LD_LIBRARY_PATH=%q: %s", path, lib.Path)
		}
	}
	if runtime.GOOS == "linux" {
		t.Setenv("LD_LIBRARY_PATH", ":"+folder)
		if lib, _, err := locate("", CPU); filepath.Dir(lib.Path) != folder {
			t.Errorf("an absolute element: %s, %v", lib.Path, err)
		}
	}
}

func TestFindNothing(t *testing.T) {
	emptyMachine(t)
	lib, tried, err := locate("", CPU)
	if err == nil && (strings.HasPrefix(lib.Path, "/usr/") || strings.HasPrefix(lib.Path, "/opt/") || strings.HasPrefix(lib.Path, "/lib")) {
		t.Skipf("this machine has %s", lib.Path)
	}
	if !errors.Is(err, ErrNoLibrary) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q", err)
	}
	if len(tried) < 4 {
		t.Errorf("tried %+v", tried)
	}
}

// Loading is once per process, so each attempt that must fail has a process of
// its own: the test binary, told what to load.
func TestLoadErrors(t *testing.T) {
	if path := os.Getenv("ONNX_TEST_LOAD"); path != "" {
		_, err := Load(Library{Path: path})
		switch {
		case errors.Is(err, ErrTooOld):
			os.Stdout.WriteString("too old\n")
		case errors.Is(err, ErrNotONNXRuntime):
			os.Stdout.WriteString("not it\n")
		case errors.Is(err, ErrNoLibrary):
			os.Stdout.WriteString("none\n")
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path)) {
			t.Errorf("error is not one line with the path: %q", err)
		}
		t.Log(err)
		return
	}
	if !CanRun() {
		t.Skip(ErrNoCgo)
	}
	folder := t.TempDir()
	text := filepath.Join(folder, "text.so")
	touch(t, text)
	cases := map[string]string{text: "not it", filepath.Join(folder, "missing.so"): "none"}
	if cc, err := exec.LookPath("cc"); err == nil && runtime.GOOS != "windows" {
		for name, source := range map[string]string{
			"other": "int other;",
			"old": "typedef struct { const void *(*GetApi)(unsigned); const char *(*Version)(void); } Base;\n" +
				"static const void *get(unsigned v) { return 0; }\nstatic const char *version(void) { return \"1.10.0\"; }\n" +
				"static Base base = {get, version};\nconst Base *OrtGetApiBase(void) { return &base; }",
		} {
			out := filepath.Join(folder, name+".so")
			cmd := exec.Command(cc, "-shared", "-fPIC", "-x", "c", "-o", out, "-")
			cmd.Stdin = strings.NewReader(source)
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, msg)
			}
			cases[out] = map[string]string{"other": "not it", "old": "too old"}[name]
		}
	}
	for path, want := range cases {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLoadErrors$", "-test.v")
		cmd.Env = append(os.Environ(), "ONNX_TEST_LOAD="+path)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want+"\n") {
			t.Errorf("%s: expected %q: %v\n%s", filepath.Base(path), want, err, out)
		}
	}
}

func TestLoadIsOnce(t *testing.T) {
	requireLibrary(t)
	lib, _ := Loaded()
	again, err := Load(lib)
	if err != nil || again != lib || lib.Version == "" {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if _, err := Load(Library{Path: "/another"}); err == nil {
		t.Error("another library is accepted")
	}
}

// A build without cgo says so wherever a library would be needed, also where
// there is one, and downloads none.
func TestWithoutCgo(t *testing.T) {
	defer func(b binding, l Library) { bound, loading.library = b, l }(bound, loading.library)
	bound, loading.library = nil, Library{}
	home := emptyMachine(t)
	t.Setenv("npm_config_registry", registryServer(t, "none", nil).URL+"/mirror")
	file := filepath.Join(t.TempDir(), libraryNames()[0])
	touch(t, file)
	for name, use := range map[string]func() error{
		"find":      func() error { _, _, err := Find(file); return err },
		"load":      func() error { _, err := Load(Library{Path: file}); return err },
		"open":      func() error { _, err := Open(file); return err },
		"open none": func() error { _, err := Open(""); return err },
		"install":   func() error { _, err := Install(context.Background(), nil); return err },
	} {
		if err := use(); !errors.Is(err, ErrNoCgo) || !errors.Is(err, ErrNoLibrary) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, _ := os.ReadDir(home); len(entries) != 0 {
		t.Errorf("the data folder holds %v", entries)
	}
	if _, err := NewSession(nil, SessionOptions{}); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("session: %v", err)
	}
	if _, err := NewTensor(nil, 1); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("tensor: %v", err)
	}
	if err := CPU.Check(); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("target: %v", err)
	}
	ReleaseMemory()
}

// registryServer serves a package whose one library has the given content.
func registryServer(t *testing.T, name string, content []byte) *httptest.Server {
	t.Helper()
	var tarball bytes.Buffer
	gz := gzip.NewWriter(&tarball)
	archive := tar.NewWriter(gz)
	for path, data := range map[string][]byte{"package/README.md": []byte("x"), "package/bin/napi-v6/" + name: content} {
		if err := archive.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/mirror/onnxruntime-node/-/onnxruntime-node-"+LibraryVersion+".tgz" {
			http.NotFound(w, r)
			return
		}
		w.Write(tarball.Bytes())
	}))
	t.Cleanup(server.Close)
	return server
}

func TestInstall(t *testing.T) {
	t.Setenv("PATH", "") // no npm to fall back to
	content := bytes.Repeat([]byte("library "), 1000)
	sum := sha256.Sum256(content)
	want := packaged{"linux/x64/lib.so", hex.EncodeToString(sum[:])}
	server := registryServer(t, want.path, content)
	folder := t.TempDir()
	path := filepath.Join(folder, "sub", "lib.so")
	var done, total int64
	progress := func(d, n int64) { done, total = d, n }

	t.Setenv("npm_config_registry", server.URL+"/mirror/")
	lib, err := install(context.Background(), want, path, progress)
	if err != nil || lib.Path != path {
		t.Fatal(lib, err)
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, content) {
		t.Errorf("installed %d bytes, %v", len(have), err)
	}
	if done == 0 || total < done {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	server.Close()
	if _, err := install(context.Background(), want, path, progress); err != nil {
		t.Errorf("a library that is there already is fetched again: %v", err)
	}
}

// An installed library that has changed since is not loaded.
func TestChangedLibrary(t *testing.T) {
	if !CanRun() {
		t.Skip(ErrNoCgo)
	}
	defer func(l Library) { loading.library = l }(loading.library)
	loading.library = Library{}
	emptyMachine(t)
	touch(t, InstallPath())
	if _, err := Open(""); !errors.Is(err, ErrChecksum) || !strings.Contains(err.Error(), InstallPath()) || !strings.Contains(err.Error(), "--install-onnxruntime") {
		t.Errorf("%v", err)
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Setenv("PATH", "")
	server := registryServer(t, "linux/x64/lib.so", []byte("tampered"))
	right := strings.Repeat("0", 64)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name, registry string
		ctx            context.Context
		want           packaged
		sentinel       error
	}{
		{"another content", server.URL + "/mirror", context.Background(), packaged{"linux/x64/lib.so", right}, ErrChecksum},
		{"no such file", server.URL + "/mirror", context.Background(), packaged{"linux/x64/none.so", right}, nil},
		{"not found", server.URL + "/elsewhere", context.Background(), packaged{"linux/x64/lib.so", right}, nil},
		{"cancelled", server.URL + "/mirror", cancelled, packaged{"linux/x64/lib.so", right}, context.Canceled},
	} {
		folder := t.TempDir()
		t.Setenv("npm_config_registry", c.registry)
		_, err := install(c.ctx, c.want, filepath.Join(folder, "lib.so"), nil)
		if err == nil || (c.sentinel != nil && !errors.Is(err, c.sentinel)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if entries, _ := os.ReadDir(folder); len(entries) != 0 {
			t.Errorf("%s: left behind %v", c.name, entries)
		}
	}
}
