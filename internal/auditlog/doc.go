// Package auditlog writes down what people did to a process that the log of sales does not
// have, and what they were refused: a line of JSON each.
//
//	{"log":"audit","time":…,"node":"n1","actor":"otto","roles":["operator"],"from":"10.0.0.7",
//	 "request_id":…,"verb":"POST /v1/cluster/remove","target":"n3","outcome":"begun"}
//
// A verb has two lines under one request id: one before it is done, without which it is not
// done, and one with what came of it. So what was done is there whatever dies in between, and
// a line that says begun with none behind it is a verb of which nobody knows how far it came.
// A line counts when it is on the disk: written and synced. Lines of one process are whole, and
// in the order in which they were written.
//
// What if the disk is full, or hangs? A line that cannot be written within WriteMax is an
// error, told to the process' own log with all that it would have said, and Trouble says so until
// one is written again. What was written by half is ended by a line break before the next line.
// After an error the file is opened anew: an fsync that failed is never tried again.
//
// What it trades off: two syncs a verb, of which people make a few a minute; and no rotation of
// its own. Let another program rotate the file, and call Reopen.
package auditlog
