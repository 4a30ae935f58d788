package training

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// tables are the metrics of a stage once more, for other programs: as CSV and as the
// events of TensorBoard. They are made of the lines of metrics.jsonl alone: where a
// stage resumes they are those of the lines that stay.
type tables []table

// table is one of the files.
type table struct {
	path  string
	begin []byte
	add   func(*bytes.Buffer, Metric)
	file  *os.File
}

// CSV is the file of the metrics of a stage as comma-separated values.
func (r Run) CSV(stage Stage) string { return filepath.Join(r.Folder, string(stage)+".csv") }

// Events is the file of the metrics of a stage for TensorBoard, in a folder of its
// own, which is a run there.
func (r Run) Events(stage Stage) string {
	return filepath.Join(r.Folder, "tensorboard", string(stage), "events.out.tfevents.0.binas-tui")
}

// openTables writes the files anew, in place: who follows them reads on.
func openTables(r Run, stage Stage, lines []Metric) (ts tables, err error) {
	ts = tables{{path: r.CSV(stage), begin: csvHead(), add: addCSV}, {path: r.Events(stage), begin: eventsHead(), add: addEvents}}
	for i := range ts {
		t := &ts[i]
		b := bytes.NewBuffer(bytes.Clone(t.begin))
		for _, m := range lines {
			t.add(b, m)
		}
		if err = safefile.MkdirAll(filepath.Dir(t.path)); err == nil {
			t.file, err = safefile.OpenFile(t.path, os.O_RDWR|os.O_CREATE)
		}
		if err == nil {
			_, err = t.file.Write(b.Bytes())
		}
		if err == nil {
			err = t.file.Truncate(int64(b.Len()))
		}
		if err != nil {
			ts.close()
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return ts, nil
}

func (ts tables) add(m Metric) error {
	for _, t := range ts {
		var b bytes.Buffer
		t.add(&b, m)
		if _, err := t.file.Write(b.Bytes()); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	return nil
}

func (ts tables) close() {
	for _, t := range ts {
		if t.file != nil {
			t.file.Close()
		}
	}
}

// removeTables removes the files of a stage.
func (r Run) removeTables(stage Stage) {
	os.Remove(r.CSV(stage))
	for path := r.Events(stage); path != r.Folder; path = filepath.Dir(path) {
		os.Remove(path) // a folder with anything in it stays
	}
}

// scalar is a number of a line of metrics.
type scalar struct {
	name  string
	value float64
}

// scalars are the numbers of a line, of steps.
func (m Metric) scalars() []scalar {
	return []scalar{{"loss", m.Loss}, {"ce", m.CE}, {"kl", m.KL}, {"features", m.Features}, {"top1", m.Top1}, {"lr", m.LR}, {"images_per_second", m.ImagesPerSecond}}
}

// scalars are the numbers of a validation.
func (s Score) scalars() []scalar {
	return []scalar{{"top1", s.Top1}, {"top5", s.Top5}, {"loss", s.Loss}}
}

// csvHead is the line of the names: of the steps' numbers, and of a validated network's.
func csvHead() []byte {
	row := []string{"epoch", "step"}
	for _, s := range (Metric{}).scalars() {
		row = append(row, s.name)
	}
	row = append(row, "network", "images")
	for _, s := range (Score{}).scalars() {
		row = append(row, "validation_"+s.name)
	}
	var b bytes.Buffer
	writeCSV(&b, row)
	return b.Bytes()
}

// addCSV adds a row, for a validation one of each network.
func addCSV(b *bytes.Buffer, m Metric) {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	row := []string{strconv.Itoa(m.Epoch), strconv.Itoa(m.Step)}
	ofStep, ofScore := len(Metric{}.scalars()), 2+len(Score{}.scalars())
	if len(m.Validation) == 0 {
		for _, s := range m.scalars() {
			row = append(row, number(s.value))
		}
		writeCSV(b, append(row, make([]string, ofScore)...))
		return
	}
	for _, score := range m.Validation {
		row := append(append(row[:2:2], make([]string, ofStep)...), score.Network, strconv.Itoa(score.Images))
		for _, s := range score.scalars() {
			row = append(row, number(s.value))
		}
		writeCSV(b, row)
	}
}

func writeCSV(b *bytes.Buffer, row []string) {
	w := csv.NewWriter(b)
	w.Write(row) // to memory: cannot fail
	w.Flush()
}

// eventsHead is the event that a file of TensorBoard begins with.
func eventsHead() []byte {
	var b bytes.Buffer
	writeEvent(&b, 0, protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), "brain.Event:2"))
	return b.Bytes()
}

// addEvents adds an event of a line's numbers.
func addEvents(b *bytes.Buffer, m Metric) {
	all := m.scalars()
	if len(m.Validation) > 0 {
		all = nil
	}
	for _, score := range m.Validation {
		for _, s := range score.scalars() {
			all = append(all, scalar{"validation/" + score.Network + "/" + s.name, s.value})
		}
	}
	var summary []byte // of values: a name and a number each
	for _, s := range all {
		value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), s.name)
		value = protowire.AppendFixed32(protowire.AppendTag(value, 2, protowire.Fixed32Type), math.Float32bits(float32(s.value)))
		summary = protowire.AppendBytes(protowire.AppendTag(summary, 1, protowire.BytesType), value)
	}
	event := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), uint64(m.Step))
	writeEvent(b, m.Step, protowire.AppendBytes(protowire.AppendTag(event, 5, protowire.BytesType), summary))
}

// writeEvent writes an event as a record of TFRecord: its length and its bytes, each
// with a masked check sum. Its time is the step in seconds: lines of metrics have
// none, and a file that is written anew is the same.
func writeEvent(b *bytes.Buffer, step int, fields []byte) {
	event := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(float64(step)))
	event = append(event, fields...)
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	b.Write(binary.LittleEndian.AppendUint32(length, masked(length)))
	b.Write(binary.LittleEndian.AppendUint32(event, masked(event)))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the check sum of TFRecord.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
