"""The room 'analyse': what taxpayers declare, set against what everybody else knows about them, as of a date.

Month tables, obligations and filings, partners, peers, features, indicators, risk points and outcomes. No model, no score, no
choice of whom to treat and no session, path or clock may enter here: kernels take and give Arrow tables of one bucket, frame
steps take and give Spark DataFrames.
"""
