package dataset

import "math"

// stream is a sequence of random numbers: splitmix64 (Steele, Lea and Flood
// 2014). A stream of its own per image makes every image independent of which
// goroutine makes it, and when.
type stream struct{ state uint64 }

const golden = 0x9E3779B97F4A7C15

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// newStream returns the stream of a seed and of what it is for: the epoch and
// the image, say.
func newStream(seed uint64, purpose ...uint64) stream {
	s := seed
	for _, p := range purpose {
		s = mix(s + golden*(p+1))
	}
	return stream{s}
}

func (r *stream) next() uint64 {
	r.state += golden
	return mix(r.state)
}

// float is uniform in [0, 1).
func (r *stream) float() float64 { return float64(r.next()>>11) * 0x1p-53 }

// between is uniform in [low, high).
func (r *stream) between(low, high float64) float64 { return low + (high-low)*r.float() }

// below is uniform in 0 to n-1, n ≥ 1.
func (r *stream) below(n int) int { return min(int(r.float()*float64(n)), n-1) }

// normal is a normal number of mean 0 and deviation 1 (Box and Muller 1958).
func (r *stream) normal() float64 {
	return math.Sqrt(-2*math.Log(1-r.float())) * math.Cos(2*math.Pi*r.float())
}

// shuffle puts index in random order (Fisher and Yates).
func (r *stream) shuffle(index []int) {
	for i := len(index) - 1; i > 0; i-- {
		j := r.below(i + 1)
		index[i], index[j] = index[j], index[i]
	}
}
