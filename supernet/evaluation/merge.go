package evaluation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
)

// Merged is what [Merge] has put together.
type Merged struct {
	File     string   `json:"file"`
	Format   string   `json:"format"` // model.SamplesFormat or model.ContributionsFormat
	Shards   int      `json:"shards"`
	Networks int      `json:"networks"`
	Records  int      `json:"records"`
	Computed []string `json:"computed"` // processors and libraries; more than one may differ in the last digits
}

// shardFile is the records of one shard.
type shardFile struct {
	name  string
	info  model.EvaluationInfo // its Shard is not nil
	per   int                  // records of a network
	lines map[int][]byte       // JSON objects by their places
}

// total is the records that all shards have together.
func (s shardFile) total() int { return s.info.Shard.Num * s.per }

// Merge writes to out what one process would have written that made all records of
// the shards in the files in, byte for byte: their headers must be of one supernet,
// one set of images and the same settings, and every shard must be there once and
// whole. A file that is there already is replaced only where it is the beginning of
// what is written. Errors about what does not belong together wrap ErrMerge and name
// the file.
func Merge(ctx context.Context, out string, in []string) (m Merged, err error) {
	release, err := safefile.LockBeside(ctx, out, 0)
	if err != nil {
		return m, err
	}
	defer release()
	var shards []shardFile
	size := 0
	for _, name := range in {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		if safefile.Same(name, out) {
			return m, mergeError("%s is the file to write and one of the shards", out)
		}
		data, err := records.Read(name)
		if err != nil {
			return m, err
		}
		if size += len(data); size > records.MaxFile {
			return m, mergeError("the shards have more than %d MiB together", records.MaxFile>>20)
		}
		s, err := readShard(name, data)
		if err != nil {
			return m, err
		}
		shards = append(shards, s)
	}
	if err := belongTogether(shards); err != nil {
		return m, err
	}
	info := shards[0].info
	m = Merged{File: out, Format: info.Format, Shards: len(shards), Networks: info.Shard.Num}
	of := info.Shard.Of
	info.Shard = nil
	var all model.Shard
	for _, s := range shards {
		m.Records += len(s.lines)
		all.Take(s.info.Shard)
	}
	m.Computed = all.Computed
	key, err := jsonl.Marshal(info)
	if err != nil {
		return m, err
	}
	text, err := jsonl.Encode(info, nil)
	for place := 0; place < m.Records && err == nil; place++ {
		var line []byte
		line, err = jsonl.Encode(json.RawMessage(shards[place%of].lines[place]), key)
		text = append(text, line...)
	}
	if err != nil {
		return m, fmt.Errorf("merge: %w", err)
	}
	there, err := records.Read(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if !bytes.HasPrefix(text, there) {
		return m, mergeError("%s is there and is not the beginning of what the shards have: name another file, or move it away", out)
	}
	return m, safefile.Replace(out, true, safefile.Bytes(text))
}

// ErrMerge is wrapped by errors about files that are not the shards of one file.
var ErrMerge = errors.New("the shards are not merged")

func mergeError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMerge, fmt.Errorf(format, args...))
}

// readShard reads the records of a shard, every one of which must be whole.
func readShard(name string, data []byte) (s shardFile, err error) {
	s = shardFile{name: name, lines: map[int][]byte{}}
	var place func(object []byte) (int, error)
	r := jsonl.Reader{
		Key: model.RecordsKey,
		Header: func(object []byte) (err error) {
			s.info, s.per, place, err = recordsOf(object)
			return err
		},
		Record: func(_ int, object []byte) error {
			if place == nil {
				return errors.New("its header is damaged")
			}
			i, err := place(object)
			switch _, again := s.lines[i]; {
			case err != nil:
				return err
			case again:
				return fmt.Errorf("number %d is there twice", i)
			case !s.info.Shard.Has(i):
				return fmt.Errorf("number %d is not of shard %s", i, s.info.Shard)
			}
			s.lines[i] = bytes.Clone(object)
			return nil
		},
	}
	result, err := r.Read(data)
	switch {
	case err != nil:
		return s, mergeError("%s: %w", name, err)
	case s.info.Format == "":
		return s, mergeError("%s: its first line is not whole or is damaged: the command that made it repairs it", name)
	case s.info.Shard == nil:
		return s, mergeError("%s is no shard: it was made without --shard", name)
	case result.Lost.Count > 0:
		return s, mergeError("%s: %s: the command that made it, with --shard %s, makes it again", name, result.Lost, s.info.Shard)
	}
	return s, nil
}

// recordsOf is what a header says, how many records a network has, and how the place
// of a record is read.
func recordsOf(object []byte) (info model.EvaluationInfo, per int, place func(object []byte) (int, error), err error) {
	if info, err = model.DecodeEvaluationInfo(object, model.ContributionsFormat); err != nil {
		if info, err = model.DecodeEvaluationInfo(object, model.SamplesFormat); err != nil {
			return info, 0, nil, err
		}
	}
	space, err := model.NewSpace(info.Space, info.ImageSize)
	if err != nil {
		return info, 0, nil, err
	}
	if info.Format == model.SamplesFormat {
		return info, 1, func(object []byte) (int, error) {
			i, _, err := space.DecodeSampleRecord(object)
			return i, err
		}, nil
	}
	decoder, decisions := model.NewContributionDecoder(space), len(space.Decisions())
	return info, decisions, func(object []byte) (int, error) {
		network, d, _, err := decoder.Decode(object)
		return network*decisions + d, err
	}, nil
}

// belongTogether reports the first thing that keeps shards from being one file, and
// puts them in the order of their numbers.
func belongTogether(shards []shardFile) error {
	if len(shards) == 0 {
		return mergeError("there are none")
	}
	first, of := shards[0], shards[0].info.Shard.Of
	have := map[int]shardFile{}
	for _, s := range shards {
		a, b := first.info, s.info
		if a.Shard, b.Shard = nil, nil; a.Differs(b) != nil {
			return mergeError("%s and %s differ: %w", first.name, s.name, a.Differs(b))
		}
		shard := s.info.Shard
		if shard.Of != of {
			return mergeError("%s is shard %s, %s is shard %s: expected shards of one number", first.name, first.info.Shard, s.name, shard)
		}
		if other, twice := have[shard.Index]; twice {
			return mergeError("%s and %s are both shard %s", other.name, s.name, shard)
		}
		if shard.Num != first.info.Shard.Num {
			return mergeError("%s is of %d networks, %s of %d: make them of as many", first.name, first.info.Shard.Num, s.name, shard.Num)
		}
		have[shard.Index] = s
	}
	var missing []string
	for k := range of {
		if _, ok := have[k]; !ok {
			missing = append(missing, (&model.Shard{Index: k, Of: of}).String())
		}
	}
	if n := len(missing); n > 0 {
		if n > maxNamedShards {
			missing = append(missing[:maxNamedShards], "…")
		}
		return mergeError("missing of %d shards: %s", of, strings.Join(missing, ", "))
	}
	for _, s := range shards {
		share := s.info.Shard.Share(s.total())
		for place := s.info.Shard.Index; place < s.total(); place += of {
			if _, ok := s.lines[place]; !ok {
				return mergeError("%s has %d of %d records: the command that made it, with --shard %s, makes the others", s.name, len(s.lines), share, s.info.Shard)
			}
		}
		if more := len(s.lines) - share; more > 0 {
			return mergeError("%s has %d records more than the %d networks of its first line", s.name, more, s.info.Shard.Num)
		}
	}
	slices.SortFunc(shards, func(a, b shardFile) int { return a.info.Shard.Index - b.info.Shard.Index })
	return nil
}

// maxNamedShards is how many of the missing shards are named.
const maxNamedShards = 10
