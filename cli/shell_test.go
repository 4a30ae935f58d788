package cli

import "strings"

// shellCommands divides a command line into the words of its commands, as a
// shell does: pipes, redirections, quotes, $(...) and comments. What $(...)
// would print is the word OUTPUT. A command that a comment offers, as in
// "# or: binas-tui data digits [--out FOLDER]", is one of them.
func shellCommands(line string) (commands [][]string) {
	var (
		words []string
		word  strings.Builder
		begun bool
		text  = []rune(line)
	)
	endWord := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	endCommand := func() {
		endWord()
		for i, w := range words {
			if w == ">" || w == "<" {
				words = words[:i] // what follows is a file
				break
			}
		}
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	quote := rune(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			if text[i] != '\n' {
				word.WriteRune(text[i])
				begun = true
			}
		case c == '$' && quote != '\'' && i+1 < len(text) && text[i+1] == '(':
			depth, from := 0, i+2
			for i++; i < len(text); i++ {
				if text[i] == '(' {
					depth++
				} else if text[i] == ')' {
					if depth--; depth == 0 {
						break
					}
				}
			}
			commands = append(commands, shellCommands(string(text[from:min(i, len(text))]))...)
			word.WriteString("OUTPUT")
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, begun = c, true
		case c == '#' && !begun:
			endCommand()
			if _, offered, ok := strings.Cut(string(text[i:]), "binas-tui "); ok {
				words = strings.Fields("binas-tui " + strings.NewReplacer("[", "", "]", "").Replace(offered))
				endCommand()
			}
			return commands
		case c == '|' && begun && i+1 < len(text) && text[i+1] != ' ': // FILE|NAME
			word.WriteRune(c)
		case c == '|' || c == ';' || c == '&' || c == '\n':
			endCommand()
		case c == '>' || c == '<':
			endWord()
			words = append(words, string(c))
		case c == ' ' || c == '\t':
			endWord()
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	endCommand()
	return commands
}
