package model

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/internal/jsonl"
)

// Shard is one share of records that several processes make: those whose number,
// counted from 0, is Index modulo Of. A nil shard is all of them.
type Shard struct {
	Index int `json:"index"` // from 0
	Of    int `json:"of"`
	Num   int `json:"num"` // networks that all shards have together when they are done
	// Computed is the processors and libraries that some of the records were
	// computed with: the last digits depend on them.
	Computed []string `json:"computed,omitempty"`
}

// maxShards bounds the shards of a file.
const maxShards = 1 << 16

// ParseShard reads a shard as it is written: K/N, with K from 0 to N-1 as the job
// arrays of schedulers count; "" is nil. Num is 0.
func ParseShard(text string) (*Shard, error) {
	if text == "" {
		return nil, nil
	}
	index, of, _ := strings.Cut(text, "/")
	k, err := strconv.Atoi(index)
	n, errN := strconv.Atoi(of)
	if err != nil || errN != nil || n < 1 || n > maxShards || k < 0 || k >= n {
		return nil, fmt.Errorf("%.40q: expected K/N, such as 0/4, 1/4, 2/4 and 3/4 for four shards", text)
	}
	return &Shard{Index: k, Of: n}, nil
}

// String is K/N, or "none".
func (s *Shard) String() string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// Alone says in words that a shard is not all there is.
func (s *Shard) Alone() string {
	return fmt.Sprintf("shard %s alone, of %d networks in all: binas-tui records merge makes one file of the shards", s, s.Num)
}

// Has reports whether the i-th record is one of the shard.
func (s *Shard) Has(i int) bool { return s == nil || i%s.Of == s.Index }

// Share is how many of the first n records are of the shard.
func (s *Shard) Share(n int) int {
	if s == nil {
		return n
	}
	return (n - s.Index + s.Of - 1) / s.Of
}

// Take makes the header of a shard say what it is resumed with too, and reports
// whether that changed it: as many networks at least, and on what they are computed.
func (s *Shard) Take(now *Shard) (changed bool) {
	if s == nil || now == nil {
		return false
	}
	if now.Num > s.Num {
		s.Num, changed = now.Num, true
	}
	for _, c := range now.Computed {
		if !slices.Contains(s.Computed, c) {
			s.Computed, changed = append(s.Computed, c), true
		}
	}
	return changed
}

func (s *Shard) check() error {
	if s == nil || s.Of >= 1 && s.Of <= maxShards && s.Index >= 0 && s.Index < s.Of && s.Num >= 1 && s.Num <= maxShardNum {
		return nil
	}
	return fmt.Errorf("shard %d of %d, of %d networks: expected 0 to N-1 of 1 to %d, of 1 to %d networks", s.Index, s.Of, s.Num, maxShards, maxShardNum)
}

// maxShardNum bounds the networks that shards are of.
const maxShardNum = 1 << 20

// RecordsKey is what the check sums of records belong to: their header without its
// shard, so that a record has the same line in a shard as in the whole file.
func RecordsKey(header []byte) []byte {
	var info EvaluationInfo
	if err := strictJSON(header, &info); err != nil || info.Shard == nil {
		return header
	}
	info.Shard = nil
	key, err := jsonl.Marshal(info)
	if err != nil {
		return header
	}
	return key
}

// ShardOf is the shard that the records in data are, nil where they are whole or no
// records.
func ShardOf(data []byte) *Shard {
	var info EvaluationInfo
	r := jsonl.Reader{
		Header: func(object []byte) error { return strictJSON(object, &info) },
		Record: func(int, []byte) error { return nil },
	}
	if _, err := r.Read(data[:bytes.IndexByte(data, '\n')+1]); err != nil {
		return nil
	}
	return info.Shard
}
