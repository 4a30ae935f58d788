package page

import (
	"os"
	"testing"

	"github.com/binas-tui/binas-tui/internal/hometest"
)

func TestMain(m *testing.M) { os.Exit(hometest.Run(m)) }
