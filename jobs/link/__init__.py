"""The room 'link': the same party across sources.

Rows that came without a tax id, or with a broken one, get the taxpayer they are about, with method, probability and threshold;
every decision is a row, a later one counts. No risk, no score and no judgement of a taxpayer may enter here.
"""
