package records_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

type header struct {
	Format string `json:"format"`
	Seed   int    `json:"seed"`
}

type record struct {
	N     int     `json:"n"`
	Value float64 `json:"value"`
}

var errSeed = errors.New("another seed")

// made is the n-th record of a seed, made as often as one likes.
func made(n int) record { return record{n, float64(n*n) / 7} }

// fill opens the file, takes what is there and makes the rest of num records.
func fill(t testing.TB, path string, seed, num int) (lost int, asked []int, err error) {
	t.Helper()
	return fillOnly(t, path, seed, num, func(r record) error {
		if r != made(r.N) {
			t.Errorf("record %d was read as %+v", r.N, r)
		}
		return nil
	})
}

// fillOnly takes what is good.
func fillOnly(t testing.TB, path string, seed, num int, good func(record) error) (lost int, asked []int, err error) {
	t.Helper()
	f, err := records.Open(path, records.Options{
		Header: header{"test", seed},
		Check: func(data []byte) error {
			var h header
			if err := json.Unmarshal(data, &h); err != nil {
				return err
			}
			if h != (header{"test", seed}) {
				return fmt.Errorf("%w: %+v", errSeed, h)
			}
			return nil
		},
		Record: func(data []byte) (int, error) {
			var r record
			if err := json.Unmarshal(data, &r); err != nil {
				return 0, err
			}
			return r.N, good(r)
		},
	})
	if err != nil {
		return 0, nil, err
	}
	asked = f.Missing(num)
	for _, n := range asked {
		if err := f.Add(n, made(n)); err != nil {
			t.Fatal(err)
		}
	}
	return f.Lost.Count, asked, f.Close()
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const num = 9

func unbroken(t testing.TB) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "deep", "records.jsonl")
	if lost, asked, err := fill(t, path, 3, num); lost != 0 || len(asked) != num || err != nil {
		t.Fatal(lost, asked, err)
	}
	return path, read(t, path)
}

// A file that is cut anywhere ends with the bytes of an unbroken one; what is cut
// off is not damage.
func TestCutFilesEndAlike(t *testing.T) {
	path, want := unbroken(t)
	for cut := 0; cut < len(want); cut += 7 {
		write(t, path, want[:cut])
		if lost, _, err := fill(t, path, 3, num); lost != 0 || err != nil {
			t.Fatalf("cut after %d bytes: %d lost, %v", cut, lost, err)
		}
		if !bytes.Equal(read(t, path), want) {
			t.Fatalf("cut after %d bytes the file became\n%s", cut, read(t, path))
		}
	}
}

// Any byte that is changed loses its line, or two where it was the line's end, and
// no more. The file ends with the bytes of an unbroken one, and the damaged one is
// kept.
func TestChangedBytesLoseTheirLine(t *testing.T) {
	path, want := unbroken(t)
	for at := 0; at < len(want); at += 3 {
		for _, by := range []byte{'9', '\n'} {
			damaged := bytes.Clone(want)
			if damaged[at] == by {
				by = '0'
			}
			damaged[at] = by
			write(t, path, damaged)
			lost, asked, err := fill(t, path, 3, num)
			if err != nil || len(asked) > 2 || lost > 2 || lost == 0 && at < len(want)-1 {
				t.Fatalf("byte %d is %q: %d lost, %v asked again, %v", at, by, lost, asked, err)
			}
			if have := read(t, path); !bytes.Equal(have, want) {
				t.Fatalf("byte %d is %q: the file became\n%s", at, by, have)
			}
			if lost > 0 && !bytes.Equal(read(t, path+".damaged"), damaged) {
				t.Fatalf("byte %d is %q: the damaged file was not kept", at, by)
			}
		}
	}
}

// The same with pieces taken out, put in and put twice, by chance.
func TestSplicedFiles(t *testing.T) {
	path, want := unbroken(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		damaged := bytes.Clone(want)
		behind := bytes.IndexByte(want, '\n') + 1 // at least one record tells whose the file was
		a := behind + rng.IntN(len(want)-behind-100)
		b := min(a+rng.IntN(100), len(want))
		switch rng.IntN(3) {
		case 0:
			damaged = append(damaged[:a], want[b:]...)
		case 1:
			damaged = append(damaged[:b], want[a:]...)
		default:
			damaged = append(damaged[:a], append(bytes.Repeat([]byte{0}, b-a), want[b:]...)...)
		}
		write(t, path, damaged)
		if _, _, err := fill(t, path, 3, num); err != nil {
			t.Fatal(err)
		}
		if have := read(t, path); !bytes.Equal(have, want) {
			t.Fatalf("\n%s became\n%s", damaged, have)
		}
	}
}

// A line of another run is not taken for one of this.
func TestLinesOfAnotherRunAreLost(t *testing.T) {
	path, want := unbroken(t)
	other := filepath.Join(t.TempDir(), "other.jsonl")
	if _, _, err := fill(t, other, 4, num); err != nil {
		t.Fatal(err)
	}
	lines, others := bytes.SplitAfter(want, []byte("\n")), bytes.SplitAfter(read(t, other), []byte("\n"))
	lines[7] = others[7]
	write(t, path, bytes.Join(lines, nil))
	if lost, asked, err := fill(t, path, 3, num); lost != 1 || len(asked) != 1 || asked[0] != 6 || err != nil {
		t.Errorf("%d lost, %v asked again, %v", lost, asked, err)
	}
	// A header of another run, damaged, is not made one of this.
	damaged := bytes.Replace(read(t, other), []byte(`"format"`), []byte(`"fromat"`), 1)
	write(t, path, damaged)
	if _, _, err := fill(t, path, 3, num); !errors.Is(err, records.ErrNotRecords) {
		t.Errorf("a damaged header of another run: %v", err)
	}
	if !bytes.Equal(read(t, path), damaged) {
		t.Error("the refusal changed the file")
	}
}

func TestFilesOfSomethingElseAreRefused(t *testing.T) {
	path, data := unbroken(t)
	if _, _, err := fill(t, path, 4, num); !errors.Is(err, errSeed) || !strings.Contains(err.Error(), path) {
		t.Errorf("another seed: %v", err)
	}
	if !bytes.Equal(read(t, path), data) {
		t.Error("the refusal changed the file")
	}
	for _, text := range []string{"anything", "anything\n", "anything\nelse\n", `{"format":"lut"}` + "\n", "\n", "\n\n{}\n"} {
		write(t, path, []byte(text))
		if _, _, err := fill(t, path, 3, num); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q was taken for records: %v", text, err)
		}
		if string(read(t, path)) != text {
			t.Errorf("%q was overwritten", text)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fill(t, path, 3, num); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

// Lines without sums, of older versions, are taken and gone on with.
func TestLinesWithoutSums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.jsonl")
	var old bytes.Buffer
	e := json.NewEncoder(&old)
	e.Encode(header{"test", 3})
	for n := range 5 {
		e.Encode(made(n))
	}
	write(t, path, old.Bytes())
	if lost, asked, err := fill(t, path, 3, num); lost != 0 || len(asked) != num-5 || err != nil {
		t.Fatal(lost, asked, err)
	}
	if !bytes.HasPrefix(read(t, path), old.Bytes()) {
		t.Error("the old lines were changed")
	}
}

// Killed while lost records are made again, it goes on.
func TestRefillIsInterrupted(t *testing.T) {
	path, want := unbroken(t)
	lines := bytes.SplitAfter(want, []byte("\n"))
	lines = lines[:len(lines)-1]
	for kept := range 5 { // of the four lost ones, appended and not yet sorted in
		damaged := bytes.Join(lines[:4], nil)
		damaged = append(damaged, bytes.Join(lines[8:], nil)...)
		again := bytes.Join(lines[4:8], nil)
		end := 0
		for range kept {
			end += bytes.IndexByte(again[end:], '\n') + 1
		}
		write(t, path, append(damaged, again[:end]...))
		lost, asked, err := fill(t, path, 3, num)
		if lost != 0 || len(asked) != 4-kept || err != nil || !bytes.Equal(read(t, path), want) {
			t.Fatalf("%d made again: %d lost, %v asked, %v", kept, lost, asked, err)
		}
	}
}

func TestOneWriter(t *testing.T) {
	path, _ := unbroken(t)
	f, err := records.Open(path, records.Options{Header: header{"test", 3}, Check: func([]byte) error { return nil }, Record: func([]byte) (int, error) { return 0, records.ErrDrop }})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := fill(t, path, 3, num); !errors.Is(err, safefile.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if lost, asked, err := fill(t, path, 3, num); lost != 0 || len(asked) != num || err != nil {
		t.Errorf("after all were dropped: %d lost, %v, %v", lost, asked, err)
	}
}

// FuzzOpen opens any bytes as records: they are refused and stay as they are, or
// end with the bytes of a file that nothing happened to.
func FuzzOpen(f *testing.F) {
	_, want := unbroken(f)
	f.Add(want)
	f.Add(want[:len(want)/2])
	f.Add(bytes.Replace(want, []byte(`"n":3`), []byte(`"n":4`), 1))
	f.Add([]byte("{\"format\":\"test\",\"seed\":3}\n{\"n\":0,\"value\":0}\n"))
	memory := "/dev/shm" // a disk is slow to say that all is on it
	if _, err := os.Stat(memory); err != nil {
		memory = ""
	}
	good := func(r record) error { // without sums other values are as good as any
		if r != made(r.N) {
			return errors.New("another value")
		}
		return nil
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir, err := os.MkdirTemp(memory, "records")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "records.jsonl")
		write(t, path, data)
		_, _, err = fillOnly(t, path, 3, num, good)
		have := read(t, path)
		if err != nil {
			if !bytes.Equal(have, data) {
				t.Fatalf("%v, and the file became %q", err, have)
			}
			return
		}
		if lost, asked, err := fillOnly(t, path, 3, num, good); lost != 0 || len(asked) != 0 || err != nil {
			t.Fatalf("a second time: %d lost, %v asked again, %v: %q", lost, asked, err, have)
		}
		if again := read(t, path); !bytes.Equal(again, have) {
			t.Fatalf("a second time changed the file from %q to %q", have, again)
		}
	})
}
