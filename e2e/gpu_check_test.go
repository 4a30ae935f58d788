package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cardProgram stands for the program on a machine with a card: it answers as that
// does, with figures of its own. TABLE_ERROR, LOSS, KEPT and REFUSED change some;
// with OTHER the data cannot be read.
const cardProgram = `#!/bin/bash
device=cpu batch=1
for ((i = 1; i < $#; i++)); do
	j=$((i + 1))
	case ${!i} in --device) device=${!j} ;; --batch) batch=${!j} ;; esac
done
test "$device" = cpu || test -z "$REFUSED" || { echo "binas-tui: target is not available: $device lacks operators" >&2; exit 1; }
case "$1 $2" in
"lut measure") printf '{\n  "file": "t",\n  "processor": "Card A, Xeon",\n  "runtime": "ONNX Runtime 1.27.0",\n  "quality": {\n    "standard_error": 0.011\n  }\n}\n' ;;
"lut verify") printf '{\n  "shape_mape": %s,\n  "kendall": 0.97,\n  "checks": [\n' "${TABLE_ERROR:-0.02}"; for i in {1..20}; do printf '  "measured_ms": 1.%d,\n' $i; done; printf '}\n' ;;
"search "*) printf '{\n  "measured_ms": %s,\n  "measurements": 5,\n}\n' "${KEPT:-1.09}" ;;
measure*) ms=$batch; test "$device" = cpu && ms=$((10 * batch)); printf '{\n  "architecture": "[[]]",\n  "median_ms": %s.5\n}\n' "$ms" ;;
validate*) loss=2.3; test "$device" = cpu || loss=${LOSS:-2.3004}; printf '{\n  "top1": 12.5,\n  "loss": %s,\n  "images_per_second": 1000\n}\n' "$loss" ;;
"data show") test -z "$OTHER" || exit 2; printf '{\n  "image_size": 32,\n  "classes": 4,\n  "class_names": []\n}\n' ;;
export*) case "$*" in *"--classes 4 "*) ;; *) exit 2 ;; esac ;;
"data digits") mkdir -p "$4" ;;
*) printf '{}\n' ;;
esac
`

// judged is the end of a row of what the script prints.
func judged(figure, wanted, ok string) string {
	return fmt.Sprintf("| %-30s | %-10s | %-3s |", figure, wanted, ok)
}

// scripts/gpu-check judges what the program says, and fails where a figure is not as
// it should be.
func TestGPUCheck(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte(cardProgram), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(env ...string) (out string, failed bool) {
		cmd := exec.Command(bash, "../scripts/gpu-check", "--device", "cuda:1", "--program", program, "--data", t.TempDir())
		cmd.Env = append(os.Environ(), env...)
		text, err := cmd.CombinedOutput()
		return string(text), err != nil
	}
	out, failed := run()
	for _, want := range []string{"cuda:1 on Card A, Xeon, ONNX Runtime 1.27.0", "images/s at 224 px, batch 64, cuda:1", "| 992 ", "| 100 ", "batch 64, fp16", "no session was refused",
		judged("0.0004", "<= 0.001", "yes"), judged("2", "<= 3", "yes"), judged("1.09", "kept", "yes"), "search within 1.1 ms"} {
		if !strings.Contains(out, want) || failed {
			t.Errorf("failed %v, no %q in\n%s", failed, want, out)
		}
	}
	for env, want := range map[string]string{
		"TABLE_ERROR=0.05": judged("5", "<= 3", "NO"),
		"LOSS=2.31":        judged("0.01", "<= 0.001", "NO"),
		"KEPT=1.2":         judged("1.2", "kept", "NO"),
		"REFUSED=1":        "failed: binas-tui: target is not available: cuda:1 lacks operators",
	} {
		if out, failed := run(env); !failed || !strings.Contains(out, want) {
			t.Errorf("%s: failed %v, no %q in\n%s", env, failed, want, out)
		}
	}
	if out, failed := run("OTHER=1"); !failed || strings.Contains(out, "table") {
		t.Errorf("data that cannot be read: %s", out)
	}
	for arg, want := range map[string]string{"--program": "there is no /none", "--data": "there is no folder /none", "--out": "--out is empty"} {
		value := "/none"
		if arg == "--out" {
			value = ""
		}
		if out, err := exec.Command(bash, "../scripts/gpu-check", "--program", program, arg, value).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", arg, err, out)
		}
	}
}
