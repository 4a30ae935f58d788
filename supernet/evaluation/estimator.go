package evaluation

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/model"
)

// anyImageSize makes a space for files that do not depend on it.
const anyImageSize = 224

// DecodeEstimator reads the contributions of an estimator, recognised by content:
// a BINAS contributions LUT or this program's records, or samples (a BINAS
// accuracy LUT or records), of which it takes the means over those that have a
// decision. The space is the named one or, where the file says it, the file's.
// From says in words what was found.
func DecodeEstimator(data []byte, space string) (s *model.Space, c *model.Contributions, from string, err error) {
	var first error
	for _, name := range []string{space, model.MobileNASNet, model.MobileNASNetLarge} {
		s, err := model.NewSpace(name, anyImageSize)
		if err != nil {
			return nil, nil, "", err
		}
		contributions, lost, err := model.DecodeContributions(s, data)
		if err == nil {
			return s, contributions, "a table of contributions" + without(data, lost), nil
		}
		samples, lost, sampleErr := model.DecodeSamples(s, data)
		if sampleErr == nil {
			c, err := model.ContributionsOf(s, samples)
			return s, c, fmt.Sprintf("%d sampled networks%s", len(samples), without(data, lost)), err
		}
		if first == nil {
			first = fmt.Errorf("neither contributions (%w) nor samples (%w)", err, sampleErr)
		}
	}
	if shard := model.ShardOf(data); shard != nil {
		first = fmt.Errorf("%s (%w)", shard.Alone(), first)
	}
	return nil, nil, "", first
}

// without says which lines were left out, and that data is one shard of several.
func without(data []byte, lost jsonl.Lost) (text string) {
	if lost.Count > 0 {
		text = " (" + lost.String() + ")"
	}
	if shard := model.ShardOf(data); shard != nil {
		text += " (" + shard.Alone() + ")"
	}
	return text
}
