package feed

// Respell reads a cursor and writes it again.
func Respell(text string) (string, error) {
	c, err := parseCursor(text)
	return c.String(), err
}
