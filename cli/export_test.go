package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// exportJSON is what scripts read.
type exportJSON struct {
	Params  int64
	MACs    int64 `json:"macs"`
	File    string
	Bytes   int64
	Weights string
	Trained bool
	Classes int
	Notes   []string
}

// largeNetwork is one of the space of width 1.2.
const largeNetwork = "[['ds_r1_k3_s1_e1_c24_nre'], ['ir_r1_k3_s2_e4_c32_nre', 'ir_r1_k5_s1_e3_c32_nre_se0.25'], " +
	"['ir_r1_k5_s2_e6_c48_nre_se0.25', 'ir_r1_k3_s1_e3_c48_nre'], ['ir_r1_k5_s2_e3_c96', 'ir_r1_k5_s1_e4_c96_se0.25'], " +
	"['ir_r1_k3_s1_e4_c136_se0.25', 'ir_r1_k5_s1_e6_c136'], ['ir_r1_k5_s2_e4_c232_se0.25', 'ir_r1_k3_s1_e3_c232_se0.25'], ['cn_r1_k1_s1_c1152']]"

// Parameters and multiply-accumulates of BINAS A to F as the original counts
// them, and those of a network of width 1.2 as PyTorch does.
func TestExportCounts(t *testing.T) {
	type counts struct{ params, macs int64 }
	want := map[string]counts{
		"A": {5165144, 203997472}, "B": {5631704, 237208512}, "C": {7060104, 271342624},
		"D": {7002040, 302613184}, "E": {7681672, 352274624}, "F": {8169568, 385242368}, "large": {4647128, 284957080},
	}
	archs := map[string]string{"large": largeNetwork}
	for _, n := range published.Networks() {
		if n.Family == published.BINAS {
			archs[n.Letter] = strings.ToLower(n.Name)
		}
	}
	dir := t.TempDir()
	for name, w := range want {
		file := filepath.Join(dir, name+".onnx")
		r := decode[exportJSON](t, mustRun(t, "export", archs[name], "--onnx", file, "--json"))
		if r.Params != w.params || r.MACs != w.macs || r.File != file || r.Trained || !strings.Contains(r.Weights, "random") {
			t.Errorf("%s: %+v, want %+v", name, r, w)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in, out, err := onnx.ModelIO(data)
		if err != nil || len(in) != 1 || len(out) != 1 || !slices.Equal(in[0].Shape, []int{1, 3, 224, 224}) || !slices.Equal(out[0].Shape, []int{1, 1000}) {
			t.Errorf("%s: inputs %v, outputs %v, %v", name, in, out, err)
		}
		// Folding merges the normalisation into the convolutions; the rest of the
		// parameters are the file, 4 bytes each.
		if per := float64(len(data)) / float64(w.params); per < 3.95 || per > 4.05 || r.Bytes != int64(len(data)) {
			t.Errorf("%s: %d bytes for %d parameters, %d reported", name, len(data), w.params, r.Bytes)
		}
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	}
}

func TestExportOptions(t *testing.T) {
	dir := t.TempDir()
	export := func(name string, args ...string) []byte {
		file := filepath.Join(dir, name)
		text := mustRun(t, append([]string{"export", tinyNetwork, "--onnx", file}, args...)...)
		if !strings.Contains(text, "random") || !strings.Contains(text, file) {
			t.Errorf("text:\n%s", text)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := export("a.onnx", "--image-size", "64", "--classes", "7", "--batch", "0")
	in, out, err := onnx.ModelIO(first)
	if err != nil || !slices.Equal(in[0].Shape, []int{onnx.Batch, 3, 64, 64}) || !slices.Equal(out[0].Shape, []int{onnx.Batch, 7}) {
		t.Errorf("%v, %v, %v", in, out, err)
	}
	same := export("a.onnx", "--image-size", "64", "--classes", "7", "--batch", "0", "--seed", "1")
	other := export("b.onnx", "--image-size", "64", "--classes", "7", "--batch", "0", "--seed", "2")
	if !bytes.Equal(first, same) || bytes.Equal(first, other) {
		t.Error("files do not depend on the seed alone")
	}
}

// unzipTo writes a file of testdata where the command line finds it.
func unzipTo(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return writeTemp(t, name, data)
}

type checkpointGolden struct {
	Arch         string
	ImageSize    int `json:"image_size"`
	Classes      int
	Wrapper, Raw []float64
}

func readCheckpointGolden(t *testing.T) checkpointGolden {
	t.Helper()
	data, err := os.ReadFile("testdata/logits.json")
	if err != nil {
		t.Fatal(err)
	}
	return decode[checkpointGolden](t, string(data))
}

// Exported checkpoints answer as PyTorch did: see testdata/checkpoint.py.
func TestExportCheckpoint(t *testing.T) {
	golden := readCheckpointGolden(t)
	for name, want := range map[string][]float64{"wrapper.pth.tar": golden.Wrapper, "raw.pth": golden.Raw} {
		file := filepath.Join(t.TempDir(), "x.onnx")
		out := runCLI(t, "export", golden.Arch, "--onnx", file, "--image-size", "16", "--checkpoint", unzipTo(t, name), "--json")
		r := decode[exportJSON](t, out.out)
		if !r.Trained || r.Classes != golden.Classes || !strings.Contains(r.Weights, name) {
			t.Errorf("%s: %+v", name, r)
		}
		const choice = "weights from state_dict_ema, not state_dict" // said where there is one
		if chose := name == "wrapper.pth.tar"; strings.Contains(strings.Join(r.Notes, "\n"), choice) != chose || strings.Contains(out.err, choice) != chose {
			t.Errorf("%s: notes %q, %q", name, r.Notes, out.err)
		}
		if have := answer(t, file); !closeTo(have, want, 1e-5) {
			t.Errorf("%s: answers %v, PyTorch's are %v", name, have, want)
		}
	}
}

func closeTo(have []float32, want []float64, tolerance float64) bool {
	for i := range want {
		if len(have) != len(want) || !(math.Abs(float64(have[i])-want[i]) <= tolerance) {
			return false
		}
	}
	return true
}

// answer runs a file on the input of checkpoint.py.
func answer(t *testing.T, file string) []float32 {
	t.Helper()
	return answerTo(t, file, func(x []float32) {
		for i := range x {
			x[i] = float32(i*7919%1000)/500 - 1
		}
	})
}

// answerTo runs a file on images.
func answerTo(t *testing.T, file string, fill func(x []float32)) []float32 {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return onnxtest.Answer(t, data, fill)[0]
}

func TestExportBadInput(t *testing.T) {
	golden := readCheckpointGolden(t)
	raw := unzipTo(t, "raw.pth")
	whole, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	short := writeTemp(t, "short.pth", whole[:len(whole)/2])
	text := writeTemp(t, "text.pth", []byte("weights"))
	arch := writeTemp(t, "arch.txt", []byte(golden.Arch))
	wider := writeTemp(t, "wider.txt", []byte(strings.Replace(golden.Arch, "_e3_c16_nre", "_e4_c16_nre", 1)))
	deeper := writeTemp(t, "deeper.txt", []byte(strings.Replace(golden.Arch, "'ir_r1_k3", "'ir_r2_k3", 1)))
	shallower := writeTemp(t, "shallower.txt", []byte(strings.Replace(golden.Arch, ", 'ir_r1_k3_s1_e3_c16'", "", 1)))
	dir := t.TempDir()
	file := filepath.Join(dir, "x.onnx")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"export --onnx " + file, 2, "needs the architecture"},
		{"export " + arch, 2, "--onnx"},
		{"export nowhere --onnx " + file, 2, "nor a file that is there, nor one of the published networks: " + strings.Join(published.Names(), ", ")},
		{"export " + text + " --onnx " + file, 2, "text.pth: architecture string: position 0"},
		{"export " + arch + " --onnx " + file + " --image-size 15", 2, "expected 16 to"},
		{"export " + arch + " --onnx " + file + " --image-size 5000", 2, "expected 16 to"},
		{"export " + arch + " --onnx " + file + " --classes 0", 2, "--classes 0"},
		{"export " + arch + " --onnx " + file + " --batch -1", 2, "--batch -1"},
		{"export " + arch + " --onnx " + file + " --checkpoint " + raw + " --seed 3", 2, "one of them"},
		{"export " + arch + " --onnx " + file + " --checkpoint nowhere", 2, "no such file"},
		{"export " + arch + " --onnx " + file + " --checkpoint " + dir, 2, "not a regular file"},
		{"export " + arch + " --onnx " + file + " --checkpoint " + text, 2, "neither a file of torch.save nor safetensors"},
		{"export " + arch + " --onnx " + file + " --checkpoint " + short, 2, "short.pth"},
		{"export " + wider + " --onnx " + file + " --checkpoint " + raw, 2, "blocks.1.0.conv_pw.weight is [24 8 1 1]"},
		{"export " + deeper + " --onnx " + file + " --checkpoint " + raw, 2, "no such tensor: blocks.1.2.conv_pw.weight"},
		{"export " + shallower + " --onnx " + file + " --checkpoint " + raw, 2, "unexpected tensor: \"blocks.1.1."},
		{"export " + arch + " --onnx " + file + " --checkpoint " + raw + " --classes 5", 2, "classifier.weight"},
		{"export " + arch + " --onnx " + dir, 2, "it is a folder"},
		{"export " + arch + " --onnx " + dir + "/none/x.onnx", 2, "no such file"},
	} {
		r := runCLI(t, strings.Fields(c.args)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("binas-tui %s: exit code %d, output %q, error %q; want code %d and one line with %q",
				c.args, r.code, r.out, r.err, c.code, c.want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("failed exports left %v, %v", entries, err)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		if r := runCLI(t, "export", tinyNetwork, "--onnx", "/dev/full"); r.code != exitUsage || !strings.Contains(r.err, "no space left") {
			t.Errorf("full disk: %+v", r)
		}
	}
}

// ARCH can come through a pipe.
func TestArchitectureFromStandardInput(t *testing.T) {
	a := &app{Streams: Streams{In: strings.NewReader(" " + tinyNetwork + "\n")}}
	arch, err := a.architecture("-")
	want, wantErr := model.ParseArchitecture(tinyNetwork)
	if err != nil || wantErr != nil || arch.String() != want.String() {
		t.Errorf("%v, %v, %v", arch, err, wantErr)
	}
	if data, err := json.Marshal(exportReport{}); err != nil || !bytes.Contains(data, []byte(`"macs"`)) {
		t.Errorf("%s, %v", data, err)
	}
}
