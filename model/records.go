package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// EvaluationInfo is what accuracies of networks depend on: the first line of a
// records file. Two files with equal info hold comparable numbers.
type EvaluationInfo struct {
	Format    string `json:"format"`
	Version   int    `json:"version"`
	Space     string `json:"space"`
	ImageSize int    `json:"image_size"` // pixels
	Classes   int    `json:"classes"`
	Seed      uint64 `json:"seed"`    // of the networks drawn
	Weights   string `json:"weights"` // check sum of the supernet's weights
	Data      string `json:"data"`    // name of the images and which share of them
	Images    int    `json:"images"`  // that each network was evaluated on
	BN        string `json:"bn"`      // running or recalibrated statistics
	// BNImages is the number of training images that statistics were
	// recalibrated on.
	BNImages int `json:"bn_images,omitempty"`
	// LUT names the latency table of the expected latencies.
	LUT string `json:"lut,omitempty"`
}

// Formats of records files.
const (
	SamplesFormat       = "binas-tui-samples"
	ContributionsFormat = "binas-tui-contributions"
	recordsVersion      = 1
)

// NewEvaluationInfo is the header of a file in the given format, to be filled in.
func NewEvaluationInfo(format string, s *Space) EvaluationInfo {
	return EvaluationInfo{Format: format, Version: recordsVersion, Space: s.Name, ImageSize: s.ImageSize}
}

// Differs names the first setting in which two headers differ, or is nil.
func (i EvaluationInfo) Differs(now EvaluationInfo) error {
	for _, f := range []struct {
		name       string
		there, now any
	}{
		{"format", i.Format, now.Format}, {"version", i.Version, now.Version}, {"space", i.Space, now.Space},
		{"image size", i.ImageSize, now.ImageSize}, {"classes", i.Classes, now.Classes}, {"seed", i.Seed, now.Seed},
		{"weights", i.Weights, now.Weights}, {"data", i.Data, now.Data}, {"images", i.Images, now.Images},
		{"bn", i.BN, now.BN}, {"bn images", i.BNImages, now.BNImages}, {"lut", i.LUT, now.LUT},
	} {
		if f.there != f.now {
			return fmt.Errorf("%s is %.80s there and %.80s now", f.name, fmt.Sprint(f.there), fmt.Sprint(f.now))
		}
	}
	return nil
}

// isRecords reports whether data looks like a records file rather than a pickle.
func isRecords(data []byte) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// maxRecordLine bounds one line of a records file, in bytes.
const maxRecordLine = 1 << 16

// DecodeRecords reads a records file: JSON lines, the first of which is an
// [EvaluationInfo] of the given format. It calls each with every whole line
// after it, numbered from 0. A last line without its end is what a process
// that was killed did not finish: it is left out, and whole is the length of
// what precedes it. Errors wrap ErrSamples and name the line.
func DecodeRecords(data []byte, format string, each func(record int, line []byte) error) (info EvaluationInfo, whole int, err error) {
	if len(data) > maxSamplesBytes {
		return info, 0, fmt.Errorf("%w: %d bytes: expected at most %d", ErrSamples, len(data), maxSamplesBytes)
	}
	for number := 1; ; number++ {
		length := bytes.IndexByte(data[whole:], '\n')
		if length < 0 {
			break
		}
		line := data[whole : whole+length]
		switch {
		case length > maxRecordLine:
			err = fmt.Errorf("%d bytes: expected at most %d", length, maxRecordLine)
		case number == 1:
			if err = strictJSON(line, &info); err == nil {
				err = info.check(format)
			}
		default:
			err = each(number-2, line)
		}
		if err != nil {
			return info, 0, fmt.Errorf("%w: line %d: %w", ErrSamples, number, err)
		}
		whole += length + 1
	}
	return info, whole, nil
}

func (i EvaluationInfo) check(format string) error {
	if i.Format != format {
		return fmt.Errorf("format %.40q: expected %s", i.Format, format)
	}
	if i.Version != recordsVersion {
		return fmt.Errorf("version %d of %s: expected %d", i.Version, format, recordsVersion)
	}
	return nil
}

// strictJSON decodes one JSON value and refuses fields it does not know.
func strictJSON(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the line is empty")
		}
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

// EncodeRecord is one line of a records file, its end included. What records
// hold are numbers and text, so this cannot fail.
func EncodeRecord(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("model: encode record: " + err.Error())
	}
	return b.Bytes()
}
