"""The room of a country that does not exist: firms whose books, trade, returns and faults are known, and the files their agencies would send.

The country is a function: everything about a firm in a month follows from the seed, the firm's number and what was done to it
(`World`), by keyed hashes, so any task can count any bucket and the number of partitions cannot matter. What is true
is written to truth/ and read by nothing outside this room; no table of the lake and no step may enter here.
"""
