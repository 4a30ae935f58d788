package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var some = NPM{"@scope/some", "1.2.3"}

func none(string, int64, io.Reader) (bool, error) { return false, nil }

// The files of a package are visited in their order, until visit has enough; its
// error is returned, and neither asks npm.
func TestReadNPM(t *testing.T) {
	t.Setenv("PATH", "") // no npm to fall back to
	var tarball bytes.Buffer
	gz := gzip.NewWriter(&tarball)
	archive := tar.NewWriter(gz)
	for _, h := range []tar.Header{
		{Name: "package/", Typeflag: tar.TypeDir}, {Name: "package/a", Size: 1}, {Name: "package/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, {Name: "package/b", Size: 1}, {Name: "package/c", Size: 1},
	} {
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		archive.Write([]byte("x")[:h.Size])
	}
	if err := errors.Join(archive.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/mirror/@scope/some/-/some-1.2.3.tgz" {
			http.NotFound(w, r)
			return
		}
		w.Write(tarball.Bytes())
	}))
	defer server.Close()
	t.Setenv("npm_config_registry", server.URL+"/mirror/")
	mine, got := errors.New("mine"), ""
	for until, want := range map[string]string{"": "abc", "b": "ab", "error": "a"} {
		got = ""
		err := some.Read(t.Context(), nil, func(name string, size int64, content io.Reader) (bool, error) {
			data, err := io.ReadAll(content)
			if got += name[len("package/"):]; err != nil || string(data) != "x" || size != 1 {
				t.Errorf("%s: %d bytes, %q, %v", name, size, data, err)
			}
			if until == "error" {
				return false, mine
			}
			return name == "package/"+until, nil
		})
		if got != want || (err == mine) != (until == "error") || err != nil && err != mine {
			t.Errorf("until %q: visited %q, %v", until, got, err)
		}
	}
	if err := (NPM{"other", "1"}).Read(t.Context(), nil, none); err == nil {
		t.Error("a package that is not there was read")
	}
}

// A registry that stops sending is given up; an interrupt ends the download at
// once.
func TestReadDoesNotWaitForEver(t *testing.T) {
	defer func(d time.Duration) { stallTime = d }(stallTime)
	t.Setenv("PATH", "")
	for _, headers := range []bool{false, true} {
		arrived := make(chan struct{}, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if headers {
				w.Write([]byte{0x1f, 0x8b}) // the beginning of a package
				w.(http.Flusher).Flush()
			}
			arrived <- struct{}{}
			<-r.Context().Done()
		}))
		defer server.Close()
		t.Setenv("npm_config_registry", server.URL)
		stallTime = 50 * time.Millisecond
		if err := some.Read(context.Background(), nil, none); !errors.Is(err, ErrStalled) {
			t.Errorf("headers %v: %v", headers, err)
		}
		<-arrived
		stallTime = time.Hour
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-arrived; cancel() }()
		if err := some.Read(ctx, nil, none); !errors.Is(err, context.Canceled) {
			t.Errorf("headers %v: %v", headers, err)
		}
	}
}

func TestRegistryOfTheEnvironment(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("npm_config_registry", "")
	t.Setenv("NPM_CONFIG_REGISTRY", "")
	if r := registry(context.Background()); r != defaultRegistry {
		t.Errorf("registry %q", r)
	}
	t.Setenv("npm_config_registry", "https://mirror.example/npm/")
	if r := registry(context.Background()); r != "https://mirror.example/npm/" {
		t.Errorf("registry %q", r)
	}
}

// What leads to a file is refused, and npm is not asked, which would wait for it.
func TestARegistryThatLeadsToAFile(t *testing.T) {
	bin := t.TempDir()
	asked := filepath.Join(bin, "asked")
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\necho > "+asked+"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	leads := "file:///etc/passwd"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, leads, http.StatusFound) }))
	defer server.Close()
	t.Setenv("npm_config_registry", server.URL)
	err := some.Read(t.Context(), nil, none)
	if _, npm := os.Stat(asked); !errors.Is(err, ErrRedirect) || !strings.Contains(err.Error(), "it leads to file:///etc/passwd") || npm == nil {
		t.Errorf("%v, npm: %v", err, npm)
	}
	leads = server.URL
	err = some.Read(t.Context(), nil, none)
	if _, npm := os.Stat(asked); err == nil || errors.Is(err, ErrRedirect) || npm != nil {
		t.Errorf("in a circle: %v, npm: %v", err, npm)
	}
}
