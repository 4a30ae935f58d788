package latency

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/binas-tui/binas-tui/model"
)

// blockKey is a parsed LUT key.
type blockKey struct {
	shape  model.BlockShape
	option model.Option
}

// String is the key in the form of model.BlockShape.LUTKey.
func (k blockKey) String() string { return k.shape.LUTKey(k.option) }

var keyPattern = regexp.MustCompile(`^in_channels_(\d{1,5})_out_channels_(\d{1,5})_stride_(\d)_resolution_(\d{1,4})` +
	`_er_(\d{1,3}(?:\.\d{1,8})?)_k_(\d{1,2})_se_(\d(?:\.\d{1,8})?)_act_([01])$`)

// parseKey reads a key of model.BlockShape.LUTKey's form; any expansion, also
// a fraction, is accepted.
func parseKey(key string) (blockKey, error) {
	m := keyPattern.FindStringSubmatch(key)
	if m == nil {
		return blockKey{}, fmt.Errorf("%w: entry %s: expected %q or a key like in_channels_16_out_channels_24_stride_2_resolution_112_er_3_k_3_se_0.25_act_1",
			ErrLUTFormat, quote(key), generalKey)
	}
	whole := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }              // the pattern has checked the digits
	real := func(i int) float64 { v, _ := strconv.ParseFloat(m[i], 64); return v } // likewise
	k := blockKey{
		model.BlockShape{InChannels: whole(1), OutChannels: whole(2), Stride: whole(3), Resolution: whole(4)},
		model.Option{Expansion: real(5), Kernel: whole(6), SERatio: real(7)},
	}
	if m[8] == "1" {
		k.shape.Activation = model.ReLU
	}
	return k, nil
}
