package engine

// maxJSONNesting is how deep objects and lists may stand in each other, as encoding/json has it.
const maxJSONNesting = 10000

// jsonScanner reads a JSON text (RFC 8259) once, from its beginning to its end. Its methods report whether what they
// read is well-formed, and stand behind it then.
type jsonScanner struct {
	text  []byte
	at    int
	depth int // of the objects and lists around
}

// next passes over white space, and returns the byte that follows; 0 at the end, which begins nothing.
func (s *jsonScanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

// take passes over one byte and white space before it, if that follows.
func (s *jsonScanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// end returns an error unless nothing follows.
func (s *jsonScanner) end() error {
	if s.next(); s.at < len(s.text) {
		return errNoJSON
	}
	return nil
}

// value passes over any value.
func (s *jsonScanner) value() bool {
	switch s.next() {
	case '"':
		return s.quoted()
	case '{':
		return s.nested('}')
	case '[':
		return s.nested(']')
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// nested passes over an object or a list, which the closing byte ends.
func (s *jsonScanner) nested(closing byte) bool {
	if s.depth++; s.depth > maxJSONNesting {
		return false
	}
	s.at++
	for more := !s.take(closing); more; {
		if closing == '}' {
			if _, ok := s.name(); !ok {
				return false
			}
		}
		if !s.value() {
			return false
		}
		if more = s.take(','); !more && !s.take(closing) {
			return false
		}
	}
	s.depth--
	return true
}

// name passes over the name of a field and the colon, and returns the name in its quotes.
func (s *jsonScanner) name() ([]byte, bool) {
	if s.next() != '"' {
		return nil, false
	}
	from := s.at
	if !s.quoted() {
		return nil, false
	}
	name := s.text[from:s.at]
	return name, s.take(':')
}

// quoted passes over a string.
func (s *jsonScanner) quoted() bool {
	for i := s.at + 1; i < len(s.text); {
		switch c := s.text[i]; {
		case plainInString[c]:
			i++
		case c == '"':
			s.at = i + 1
			return true
		case c == '\\':
			n := escape(s.text[i+1:])
			if n == 0 {
				return false
			}
			i += 1 + n
		default: // a control character
			return false
		}
	}
	return false
}

// plainInString has the bytes that stand for themselves in a string.
var plainInString = func() (plain [256]bool) {
	for c := ' '; c < 256; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// escape returns how many bytes of an escape sequence stand behind its backslash, 0 where it is none.
func escape(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	switch text[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		const length = len("u0000")
		for i := 1; i < length; i++ {
			if i == len(text) || !isHex(text[i]) {
				return 0
			}
		}
		return length
	}
	return 0
}

// number passes over a number.
func (s *jsonScanner) number() bool {
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return false
	}
	if s.skip('.') && !s.digits() {
		return false
	}
	if s.skip('e') || s.skip('E') {
		if !s.skip('+') {
			s.skip('-')
		}
		return s.digits()
	}
	return true
}

// digits passes over one digit or more.
func (s *jsonScanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > from
}

// word passes over a word.
func (s *jsonScanner) word(w string) bool {
	for i := range len(w) {
		if !s.skip(w[i]) {
			return false
		}
	}
	return true
}

// skip passes over one byte, if it comes next.
func (s *jsonScanner) skip(c byte) bool {
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}
