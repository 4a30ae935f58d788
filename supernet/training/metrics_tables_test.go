package training

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The tables are what the lines of metrics say, also where a run was killed with
// lines in them that its checkpoint does not know.
func TestTablesFollowTheMetrics(t *testing.T) {
	s, folder := fakeSettings(), t.TempDir()
	r := Run{Folder: folder}
	if _, err := fakeTrain(context.Background(), folder, s, &linear{before: cancelAt(fakeSteps + 3)}, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for _, file := range []string{r.CSV(Heaviest), r.Events(Heaviest)} {
		data, err := os.ReadFile(file)
		if err != nil || len(data) < 100 {
			t.Fatalf("%s: %d bytes, %v", file, len(data), err)
		}
		if err := os.WriteFile(file, append(data, "9,999,of a step that is lost\n, and half"...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fakeTrain(context.Background(), folder, s, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	lines, _, err := ReadMetrics(folder)
	if err != nil {
		t.Fatal(err)
	}
	rows, events := bytes.NewBuffer(csvHead()), bytes.NewBuffer(eventsHead())
	for _, m := range lines {
		addCSV(rows, m)
		addEvents(events, m)
	}
	for file, want := range map[string][]byte{r.CSV(Heaviest): rows.Bytes(), r.Events(Heaviest): events.Bytes()} {
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what the metrics say (%v): %d bytes, expected %d", file, err, len(have), len(want))
		}
	}
	read, err := csv.NewReader(rows).ReadAll()
	if err != nil || len(read) != 1+len(lines) || len(lines) < 6 {
		t.Fatalf("%d rows of %d lines: %v", len(read), len(lines), err)
	}
	last := read[len(read)-1]
	if last[9] != "child" || last[2] != "" {
		t.Errorf("last row %q", last)
	}
	readByTensorBoard(t, r.Events(Heaviest), lines)
}

// someLines are a line of steps and one of a validation.
var someLines = []Metric{
	{Stage: Heaviest, Epoch: 1, Step: 300, Loss: 1.5, CE: 1.25, Top1: 50, LR: 0.1, ImagesPerSecond: 200},
	{Stage: Heaviest, Epoch: 1, Step: 300, Validation: []Score{{Network: "a,b", Top1: 62.5, Top5: 100, Loss: 0.75, Images: 8}}},
}

// The bytes are those that TensorBoard's own reader was shown to read.
func TestTablesOfMetrics(t *testing.T) {
	rows, events := bytes.NewBuffer(csvHead()), bytes.NewBuffer(eventsHead())
	for _, m := range someLines {
		addCSV(rows, m)
		addEvents(events, m)
	}
	const want = `epoch,step,loss,ce,kl,features,top1,lr,images_per_second,network,images,validation_top1,validation_top5,validation_loss
1,300,1.5,1.25,0,0,50,0.1,200,,,,,
1,300,,,,,,,,"a,b",8,62.5,100,0.75
`
	if rows.String() != want {
		t.Errorf("CSV\n%s\nexpected\n%s", rows, want)
	}
	if have := hex.EncodeToString(events.Bytes()); have != eventsGolden {
		t.Errorf("events\n%s\nexpected\n%s", have, eventsGolden)
	}
	// The first record of every file that TensorFlow writes, but for the time.
	if masked([]byte{24, 0, 0, 0, 0, 0, 0, 0}) != 0x224b7fa3 {
		t.Errorf("check sum %x", masked([]byte{24, 0, 0, 0, 0, 0, 0, 0}))
	}
}

const eventsGolden = "1800000000000000a37f4b220900000000000000001a0d627261696e2e4576656e743a32eedf28a374000000000000005f6773d2090000000000" +
	"c0724010ac022a660a0b0a046c6f7373150000c03f0a090a026365150000a03f0a090a026b6c15000000000a0f0a086665617475726573150000" +
	"00000a0b0a04746f703115000048420a090a026c7215cdcccc3d0a180a11696d616765735f7065725f7365636f6e6415000048430278eef26200" +
	"00000000000079fd606f090000000000c0724010ac022a540a1a0a1376616c69646174696f6e2f612c622f746f70311500007a420a1a0a137661" +
	"6c69646174696f6e2f612c622f746f7035150000c8420a1a0a1376616c69646174696f6e2f612c622f6c6f7373150000403f01da5d53"

// readByTensorBoard has the file read by the Python package tensorboard, where there
// is one.
func readByTensorBoard(t *testing.T, file string, lines []Metric) {
	t.Helper()
	out, err := exec.Command("python3", "-c", `
import sys
try:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
except ImportError:
    print("none"); sys.exit()
for e in EventFileLoader(sys.argv[1]).Load():
    for v in e.summary.value:
        print(e.step, v.tag, v.tensor.float_val[0] if v.HasField("tensor") else v.simple_value)
`, file).Output()
	if text := string(out); err != nil || strings.HasPrefix(text, "none") {
		t.Log("tensorboard is not installed: the file is compared with the golden one alone")
		return
	}
	want := 0
	for _, m := range lines {
		if want += len(m.scalars()); len(m.Validation) > 0 {
			want += len(m.Validation)*3 - len(m.scalars())
		}
	}
	if n := strings.Count(string(out), "\n"); n != want || !strings.Contains(string(out), " validation/child/top1 ") {
		t.Errorf("tensorboard reads %d numbers, expected %d:\n%s", n, want, out)
	}
}
