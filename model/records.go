package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/binas-tui/binas-tui/internal/jsonl"
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
	// Fingerprint is that of the data, wherever it lies, and Part which of its images
	// were evaluated on; empty in older files.
	Fingerprint string `json:"data_fingerprint,omitempty"`
	Part        string `json:"part,omitempty"`
	Images      int    `json:"images"` // that each network was evaluated on
	BN          string `json:"bn"`     // running or recalibrated statistics
	// BNImages is the number of training images that statistics were
	// recalibrated on.
	BNImages int `json:"bn_images,omitempty"`
	// Device is what the networks ran on; empty is the processor.
	Device string `json:"device,omitempty"`
	// LUT names the latency table of the expected latencies.
	LUT string `json:"lut,omitempty"`
	// Shard says which share of the records the file has; nil: all.
	Shard *Shard `json:"shard,omitempty"`
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
	if i.Fingerprint != "" && now.Fingerprint != "" {
		i.Data, now.Data = "", "" // data may have been renamed
	} else {
		i.Fingerprint, i.Part, now.Fingerprint, now.Part = "", "", "", ""
	}
	for _, f := range []struct {
		name       string
		there, now any
	}{
		{"format", i.Format, now.Format}, {"version", i.Version, now.Version}, {"space", i.Space, now.Space},
		{"image size", i.ImageSize, now.ImageSize}, {"classes", i.Classes, now.Classes}, {"seed", i.Seed, now.Seed},
		{"weights", i.Weights, now.Weights}, {"data", i.Data, now.Data}, {"part of the data", i.Part, now.Part},
		{"data fingerprint", i.Fingerprint, now.Fingerprint}, {"images", i.Images, now.Images},
		{"bn", i.BN, now.BN}, {"bn images", i.BNImages, now.BNImages}, {"device", cmp.Or(i.Device, "cpu"), cmp.Or(now.Device, "cpu")}, {"lut", i.LUT, now.LUT}, {"shard", i.Shard.String(), now.Shard.String()},
	} {
		if f.there != f.now {
			return fmt.Errorf("%s is %.80s there and %.80s now", f.name, fmt.Sprint(f.there), fmt.Sprint(f.now))
		}
	}
	return nil
}

// isRecords reports whether data looks like a records file, perhaps with a damaged
// header, rather than a pickle.
func isRecords(data []byte) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' || bytes.Contains(data[:min(len(data), 1<<16)], []byte("\"}\n{\""))
}

// DecodeEvaluationInfo reads the first line of a records file of the given format.
// Errors wrap ErrSamples.
func DecodeEvaluationInfo(object []byte, format string) (info EvaluationInfo, err error) {
	if err = strictJSON(object, &info); err == nil {
		err = info.check(format)
	}
	if err != nil {
		return info, fmt.Errorf("%w: line 1: %w", ErrSamples, err)
	}
	return info, nil
}

// decodeRecords reads a records file of the given format (package jsonl): it
// calls each with every line after the first that is whole. An error of each
// loses the line. Errors wrap ErrSamples.
func (s *Space) decodeRecords(data []byte, format string, each func(object []byte) error) (info EvaluationInfo, lost jsonl.Lost, err error) {
	if len(data) > maxSamplesBytes {
		return info, lost, fmt.Errorf("%w: %d bytes: expected at most %d", ErrSamples, len(data), maxSamplesBytes)
	}
	r := jsonl.Reader{
		Key: RecordsKey,
		Header: func(object []byte) error {
			if info, err = DecodeEvaluationInfo(object, format); err == nil && info.Space != s.Name {
				err = fmt.Errorf("%w: they are of space %.40q: expected %s", ErrSamples, info.Space, s.Name)
			}
			return err
		},
		Record: func(_ int, object []byte) error { return each(object) },
	}
	result, err := r.Read(data)
	if err == nil && result.Whole == 0 {
		err = errors.New("the first line is not whole")
	}
	if err != nil && !errors.Is(err, ErrSamples) {
		err = fmt.Errorf("%w: %w", ErrSamples, err)
	}
	return info, result.Lost, err
}

func (i EvaluationInfo) check(format string) error {
	if i.Format != format {
		return fmt.Errorf("format %.40q: expected %s", i.Format, format)
	}
	if i.Version != recordsVersion {
		return fmt.Errorf("version %d of %s: expected %d", i.Version, format, recordsVersion)
	}
	return i.Shard.check()
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
