package pickle_test

import (
	"errors"
	"fmt"

	"github.com/binas-tui/binas-tui/internal/pickle"
)

// Plain data goes there and back; what only code can make is not made.
func Example() {
	data, err := pickle.Encode([]pickle.Entry{{Key: "accuracy", Value: 75.9}, {Key: "logits", Value: []int{0, 5, 11}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := pickle.Decode(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	entries, err := pickle.Entries(v)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Println(e.Key, pickle.TypeName(e.Value))
	}
	v, err = pickle.Decode([]byte("\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = pickle.Entries(v)
	fmt.Println(errors.Is(err, pickle.ErrForbidden), err)
	// Output:
	// accuracy float
	// logits list
	// true not plain data: found os.system, which only Python can make: expected a dict
}
