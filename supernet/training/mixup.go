package training

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/binas-tui/binas-tui/supernet/backprop"
)

// mix mixes images in place, the first with the last and so on, as Zhang et al.
// (arXiv 1710.09412) and timm do: λ·x + (1-λ)·x', λ drawn of Beta(α, α) for all that
// run at once. The loss gets their second labels.
func (s Settings) mix(x []float32, labels []int, loss *backprop.Loss, step, micro, which int) {
	if s.Mixup == 0 {
		return
	}
	n := len(labels)
	size := len(x) / n
	from := source(s.Seed, mixStream+which, micro<<40|step)
	loss.Share = distuv.Beta{Alpha: s.Mixup, Beta: s.Mixup, Src: from}.Rand()
	if math.IsNaN(loss.Share) { // of a tiny α: what it is drawn of rounds to 0, and so does the smaller of both shares
		loss.Share = float64(from.Uint64() >> 63)
	}
	loss.Other = make([]int, n)
	first, second := float32(loss.Share), float32(1-loss.Share)
	for i := range loss.Other {
		j := n - 1 - i
		loss.Other[i] = labels[j]
		if j < i {
			continue
		}
		a, b := x[i*size:][:size], x[j*size:][:size]
		for k, v := range a {
			a[k], b[k] = first*v+second*b[k], first*b[k]+second*v
		}
	}
}
