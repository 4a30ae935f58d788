package steps

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// Sharded is what one shard of Sampling or Contributing has done.
type Sharded struct {
	Shard    *model.Shard // of what all shards make
	File     string       // of its records
	Records  int          // of the shard
	Networks int          // of all shards
	Images   int          // each network was evaluated on
	Data     string       // that they are of
	BN       string
	ImagesReport
}

func newSharded(shard *model.Shard, file string, records, networks, images int, e *evaluation.Evaluator) Sharded {
	return Sharded{shard, file, records, networks, images, e.Images.Name, e.BN(), newImagesReport(e.Images)}
}

// shardParam is the parameter of the shard; what is the records that it is of.
func shardParam(what string) param.Param {
	return param.Param{Key: "shard", Usage: "shard `K/N` of the work, K from 0 to N-1: the " + what + " whose number is K modulo N, into a file of its own", Zero: "all", NoForm: "it is for the job arrays of a scheduler"}
}

func (c *Common) shard(text string) (*model.Shard, error) {
	shard, err := model.ParseShard(text)
	if err != nil {
		return nil, requestf("%s %w", c.called(shardParam("")), err)
	}
	return shard, nil
}

// shardFile is the file of a shard of what would be in file: samples.jsonl has
// samples.0-of-4.jsonl and three more.
func shardFile(file string, shard *model.Shard) string {
	if shard == nil || file == "" {
		return file
	}
	stem, ending := strings.TrimSuffix(file, filepath.Ext(file)), filepath.Ext(file)
	return fmt.Sprintf("%s.%d-of-%d%s", stem, shard.Index, shard.Of, ending)
}
