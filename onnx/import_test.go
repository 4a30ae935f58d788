package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// convModel is y = conv(x) of one 1x1 weight of 3 channels, with an attribute.
func convModel(attrs ...Attr) *Graph {
	g := NewGraph("conv")
	w := g.Const("w", []float32{1, 2, 3, 4, 5, 6}, 2, 3, 1, 1)
	g.Output(g.Node("y", "Conv", []string{g.Input("x", 1, 3, 2, 2), w}, attrs...), 1, 2, 2, 2)
	return g
}

// withExternal is the conv model with its weight in another file.
func withExternal(entries ...string) []byte {
	var tensor []byte
	for _, d := range []int64{2, 3, 1, 1} {
		tensor = appendInt(tensor, tensorDims, d)
	}
	tensor = appendString(appendInt(tensor, tensorType, int64(Float32)), tensorName, "w")
	for i := 0; i < len(entries); i += 2 {
		tensor = appendBytes(tensor, tensorExternal, appendString(appendString(nil, metadataKey, entries[i]), metadataValue, entries[i+1]))
	}
	tensor = appendInt(tensor, tensorDataLocation, dataExternal)
	g := convModel()
	g.initialisers = nil
	model := g.Marshal()
	return appendBytes(model, modelGraph, appendBytes(nil, graphInitialiser, tensor)) // messages that come twice are merged
}

func weightBytes(values ...float32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

func TestImportLeavesAloneWhatStandsAlone(t *testing.T) {
	model := convModel(Int("group", 1), Ints("strides", 1, 1)).Marshal()
	have, err := Import(model, t.TempDir())
	if err != nil || !bytes.Equal(have, model) {
		t.Errorf("%d bytes became %d, %v", len(model), len(have), err)
	}
}

func TestImportTakesExternalDataIn(t *testing.T) {
	requireLibrary(t)
	dir := t.TempDir()
	data := append([]byte("head"), weightBytes(1, 2, 3, 4, 5, 6)...)
	if err := safefile.Write(filepath.Join(dir, "sub", "w.bin"), append(data, "tail"...)); err != nil {
		t.Fatal(err)
	}
	if err := safefile.Write(filepath.Join(dir, "whole.bin"), data[4:]); err != nil {
		t.Fatal(err)
	}
	for _, entries := range [][]string{
		{"location", "sub/w.bin", "offset", "4", "length", "24"},
		{"location", "whole.bin"},
		{"location", "whole.bin", "offset", "0", "checksum", "?"},
	} {
		model, err := Import(withExternal(entries...), dir)
		if err != nil {
			t.Errorf("%v: %v", entries, err)
			continue
		}
		s, err := NewSession(model, SessionOptions{})
		if err != nil {
			t.Fatalf("%v: %v", entries, err)
		}
		in, err := s.Input(0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			in[i] = 1
		}
		out, _ := s.Output(0)
		if err := s.Run(t.Context()); err != nil || out[0] != 6 || out[4] != 15 {
			t.Errorf("%v: %v, %v: expected 6 and 15", entries, out, err)
		}
		s.Close()
	}
}

func TestImportRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if err := errors.Join(safefile.Write(filepath.Join(dir, "w.bin"), weightBytes(1)), safefile.Write(filepath.Join(dir, "..", "secret"), weightBytes(1, 2, 3, 4, 5, 6)),
		os.Symlink("../secret", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	deep := convModel().Marshal()
	for range 40 {
		attribute := appendBytes(appendString(nil, attrName, "body"), attrGraph, appendBytes(nil, graphNode, appendBytes(appendString(nil, nodeOpType, "Loop"), nodeAttribute, deep)))
		deep = attribute
	}
	for name, c := range map[string]struct {
		model []byte
		want  string
	}{
		"no file":            {withExternal("location", "none.bin"), "none.bin: no such file"},
		"out of the folder":  {withExternal("location", "../secret"), "expected a file in the folder of the model"},
		"from the root":      {withExternal("location", filepath.Join(dir, "w.bin")), "expected a file in the folder of the model"},
		"by a link":          {withExternal("location", "link"), "link: "},
		"a folder":           {withExternal("location", "."), "not a regular file"},
		"no location":        {withExternal("offset", "0"), "expected a file in the folder of the model"},
		"too short":          {withExternal("location", "w.bin", "length", "24"), "has 4 bytes: expected 24 from byte 0 on"},
		"behind the end":     {withExternal("location", "w.bin", "offset", "5"), "has 4 bytes"},
		"an offset too far":  {withExternal("location", "w.bin", "offset", "9223372036854775807", "length", "9223372036854775807"), "has 4 bytes"},
		"a negative offset":  {withExternal("location", "w.bin", "offset", "-1"), "expected a whole number"},
		"group 0":            {convModel(Int("group", 0)).Marshal(), `node "y" (Conv): group is 0: expected 1 to`},
		"a negative group":   {convModel(Int("group", -1)).Marshal(), "group is -1"},
		"group left out":     {convModel(Attr{name: "group"}).Marshal(), "group is 0"},
		"stride 0":           {convModel(Ints("strides", 1, 0)).Marshal(), "strides is 0"},
		"dilation 0":         {convModel(Ints("dilations", 0, 1)).Marshal(), "dilations is 0"},
		"an empty kernel":    {convModel(Ints("kernel_shape", 0, 1)).Marshal(), "kernel_shape is 0"},
		"nothing":            {nil, "no graph in it"},
		"text":               {[]byte("a text that is no model"), ""},
		"half":               {convModel().Marshal()[:100], ""},
		"graphs in graphs":   {appendBytes(nil, modelGraph, appendBytes(nil, graphNode, appendBytes(nil, nodeAttribute, deep))), "nested deeper"},
		"a field cut in two": {append(convModel().Marshal(), 0x3a, 0xff), ""},
	} {
		_, err := Import(c.model, dir)
		if !errors.Is(err, ErrNotModel) && !errors.Is(err, safefile.ErrUnreadable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v: expected %q", name, err, c.want)
		}
	}
}

// An isolated session answers what another does, to several at once, and ends
// with its context.
func TestIsolatedSession(t *testing.T) {
	requireLibrary(t)
	model := convModel().Marshal()
	s, err := NewIsolatedSession(t.Context(), model, SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	failed := make(chan error)
	for i := range 4 {
		go func() {
			x := float32(i)
			in, err := NewTensor([]float32{x, x, x, x, 1, 1, 1, 1, 0, 0, 0, 0}, 1, 3, 2, 2)
			out, err2 := NewTensor(nil, 1, 2, 2, 2)
			err = errors.Join(err, err2)
			for range 10 {
				if err == nil {
					err = s.RunTensors(t.Context(), []*Tensor{in}, []*Tensor{out})
				}
			}
			if err == nil && (out.Data[0] != x+2 || out.Data[7] != 4*x+5) {
				err = fmt.Errorf("of %v: %v", x, out.Data)
			}
			failed <- err
		}()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// endless loops for as long as anyone lets it.
func endless() []byte {
	body := appendBytes(nil, graphNode, (&Node{Op: "Identity", Inputs: []string{"go"}, Outputs: []string{"on"}}).marshal())
	body = appendBytes(body, graphNode, (&Node{Op: "Identity", Inputs: []string{"v"}, Outputs: []string{"w"}}).marshal())
	body = appendString(body, graphName, "body")
	const boolean = 9
	body = appendBytes(body, graphInput, Value{"i", Int64, nil}.marshal())
	body = appendBytes(body, graphInput, Value{"go", boolean, nil}.marshal())
	body = appendBytes(body, graphInput, Value{"v", Float32, []int{1}}.marshal())
	body = appendBytes(body, graphOutput, Value{"on", boolean, nil}.marshal())
	body = appendBytes(body, graphOutput, Value{"w", Float32, []int{1}}.marshal())
	g := NewGraph("endless")
	n := g.ConstInts("n", math.MaxInt64)
	x := g.Input("x", 1)
	loop := (&Node{Op: "Loop", Inputs: []string{n, "", x}, Outputs: []string{"y"}}).marshal()
	loop = appendBytes(loop, nodeAttribute, appendInt(appendBytes(appendString(nil, attrName, "body"), attrGraph, body), attrType, 5))
	g.Output("y", 1)
	return appendBytes(g.Marshal(), modelGraph, appendBytes(nil, graphNode, loop))
}

func TestAnEndlessModelIsStopped(t *testing.T) {
	requireLibrary(t)
	model, err := Import(endless(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewIsolatedSession(t.Context(), model, SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

// A model of which ONNX Runtime dies costs an error, not the program.
func TestAModelThatKills(t *testing.T) {
	requireLibrary(t)
	s, err := NewIsolatedSession(t.Context(), convModel(Ints("strides", 0, 0)).Marshal(), SessionOptions{}) // not imported
	if err == nil {
		err = s.Run(t.Context())
		s.Close()
	}
	if !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "SIGFPE") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

func FuzzImport(f *testing.F) {
	dir := f.TempDir()
	if err := safefile.Write(filepath.Join(dir, "w.bin"), weightBytes(1, 2, 3, 4, 5, 6)); err != nil {
		f.Fatal(err)
	}
	f.Add(convModel(Int("group", 1)).Marshal())
	f.Add(withExternal("location", "w.bin"))
	f.Add(withExternal("location", "w.bin", "offset", "4", "length", "8"))
	f.Add(endless())
	f.Fuzz(func(t *testing.T, b []byte) {
		model, err := Import(b, dir)
		if err != nil {
			if !errors.Is(err, ErrNotModel) && !errors.Is(err, safefile.ErrUnreadable) {
				t.Error(err)
			}
			return
		}
		if again, err := Import(model, filepath.Join(dir, "none")); err != nil || !bytes.Equal(again, model) {
			t.Errorf("what was imported does not stand alone: %v", err)
		}
	})
}
