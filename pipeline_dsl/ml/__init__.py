"""What several training stages share. Imported only while a stage runs, so it may use the libraries a stage may."""
