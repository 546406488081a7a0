"""The engine for background work: hands a job's steps to whichever worker is alive, until all of them are done."""
