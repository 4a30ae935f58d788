package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
)

// From shards to predictors: what four shards make is what one process makes, and
// who is given one shard alone is told so.
func TestShards(t *testing.T) {
	if testing.Short() {
		t.Skip("evaluates 400 networks one after the other; those that work at once are supernet/evaluation's")
	}
	onnxtest.Require(t)
	run, _, _ := newSupernet(t, idxFolder(t, 40))
	in := func(name string) string { return filepath.Join(run, name) }
	mustRun := func(t *testing.T, args ...string) string { // notes on standard error are none of this test's
		t.Helper()
		r := runCLI(t, args...)
		if r.code != 0 {
			t.Fatalf("%q: exit code %d, %s", args, r.code, r.err)
		}
		return r.out
	}
	mustRun(t, "sample", "--run", run, "--num", "10", "--out", in("whole.jsonl"))
	for _, k := range []int{2, 0, 3, 1} {
		out := mustRun(t, "sample", "--run", run, "--num", "10", "--shard", fmt.Sprintf("%d/4", k))
		if file := in(fmt.Sprintf("samples.%d-of-4.jsonl", k)); !strings.Contains(out, "written to "+file) {
			t.Errorf("shard %d: %q", k, out)
		}
	}
	shards, err := filepath.Glob(in("samples.*-of-4.jsonl"))
	if err != nil || len(shards) != 4 {
		t.Fatal(shards, err)
	}
	r := decode[mergeReport](t, mustRun(t, append([]string{"records", "merge", "--json", in("samples.jsonl")}, shards...)...))
	if r.Records != 10 || r.Shards != 4 || len(r.Computed) != 1 || !strings.Contains(r.Computed[0], "ONNX Runtime") || r.Notes != nil {
		t.Errorf("%+v", r)
	}
	if !bytes.Equal(readFile(t, in("samples.jsonl")), readFile(t, in("whole.jsonl"))) {
		t.Error("four shards merged are not what one process writes")
	}
	if out := mustRun(t, "sample", "--run", run, "--num", "10", "--json"); decode[sampleReport](t, out).Samples != 10 {
		t.Error("the merged file is not gone on with")
	}

	mustRun(t, "contribute", "--run", run, "--num-samples", "1", "--images-per-network", "2")
	for k := range 2 {
		mustRun(t, "contribute", "--run", run, "--num-samples", "1", "--images-per-network", "2", "--shard", fmt.Sprintf("%d/2", k))
	}
	measured := []string{in("contributions.1-of-2.jsonl"), in("contributions.0-of-2.jsonl")}
	mustRun(t, append([]string{"records", "merge", in("merged.jsonl")}, measured...)...)
	if !bytes.Equal(readFile(t, in("merged.jsonl")), readFile(t, in("contributions.jsonl"))) {
		t.Error("two shards of contributions merged are not what one process writes")
	}
	mustRun(t, "contribute", "--from-lut", in("merged.jsonl"), "--out", in("merged.safetensors"))

	alone := runCLI(t, "fit", "--fit-accuracy-lut", shards[0], "--predictor-ckpt", in("alone.safetensors"), "--json")
	if !strings.Contains(alone.err, "shard 0/4 alone, of 10 networks in all") { // whatever comes of it: it is of three networks
		t.Errorf("a fit on one shard: %s%s", alone.out, alone.err)
	}
	for _, c := range []struct{ args, want string }{
		{"sample --run " + run + " --shard 4/4", `--shard "4/4": expected K/N, such as 0/4`},
		{"sample --run " + run + " --shard 1", `--shard "1": expected K/N`},
		{"sample --run " + run + " --shard 0/2 --out x.pkl", "a shard is JSON lines"},
		{"sample --run " + run + " --num 10 --out " + shards[2], "shard is 2/4 there and none now"},
		{"contribute --run " + run + " --shard 0/2 --out x", "writes no estimator"},
		{"contribute --checkpoint x --shard 0/2", "needs --records"},
		{"contribute --from-lut x --shard 0/2", "--shard and --from-lut"},
		{"contribute --from-lut " + measured[0] + " --out x", "shard 1/2 alone"},
		{"records merge " + in("no.jsonl") + " " + strings.Join(shards[:3], " "), "missing of 4 shards: 3/4"},
		{"records merge " + in("no.jsonl") + " " + shards[0] + " " + measured[0], "format is"},
		{"records merge x", "needs the file to write and the shards"},
		{"records", "records needs a command: merge"},
	} {
		r := runCLI(t, strings.Fields(c.args)...)
		if r.code != exitUsage || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%s: exit code %d, %q, error %q; expected one line with %q", c.args, r.code, r.out, r.err, c.want)
		}
	}
	if _, err := os.Stat(in("no.jsonl")); err == nil {
		t.Error("a merge that was refused has written something")
	}
}
